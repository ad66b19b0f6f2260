import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { HeldLease } from '#core/recording/leases.ts';
import type { JournalRemains } from '#core/recording/ports.ts';
import { type Sealing, sealEnded, sealForgotten } from '#core/recording/seal.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { taskLeasesContract } from '#test/contract/task-leases.ts';
import { MemoryLeases } from '#test/support/memory-leases.ts';
import type { MemoryJournal } from '#test/support/memory-ports.ts';
import { memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';
import { giveAll } from '#test/support/remains.ts';
import { Killed, Turns } from '#test/support/turns.ts';

taskLeasesContract('memory', () => {
  const book = new MemoryLeases();
  return () => book;
});

const NOW = new Date('2026-11-23T10:00:00.000Z');
const TASK = opening().gateway.task;
const { session } = opening();

describe('HeldLease', () => {
  function held(book = new MemoryLeases()) {
    const clock = { now: 1_000 };
    const clocks = { monotonic: () => clock.now, wall: () => new Date(NOW.getTime() + clock.now) };
    return { book, clock, lease: new HeldLease(book, TASK, 300, clocks) };
  }

  it('is not held before it was asked for, and until it ends', async () => {
    const { lease, clock } = held();
    expect(lease.isHeld).toBe(false);
    await lease.renew();
    expect([lease.isHeld, lease.untilMs]).toEqual([true, 1_300]);
    clock.now = 1_299;
    expect(lease.isHeld).toBe(true);
    clock.now = 1_300;
    expect(lease.isHeld).toBe(false);
  });

  it('counts from before the renewal was asked for: it never outlives what the sealer sees', async () => {
    const { lease, clock, book } = held();
    const renew = book.renew.bind(book);
    book.renew = async (task, until) => {
      clock.now += 250;
      await renew(task, until);
    };
    await lease.renew();
    expect(lease.untilMs).toBe(1_300);
    const [seen] = await book.endedBefore(new Date(NOW.getTime() + 1_301));
    expect(seen?.until.getTime()).toBe(NOW.getTime() + 1_300);
  });

  it('never comes back after it ran out, though nobody has fenced it yet', async () => {
    const { lease, clock } = held();
    await lease.renew();
    clock.now = 1_301;
    await expect(lease.renew()).rejects.toMatchObject({ code: 'task-fenced' });
    expect(lease.isHeld).toBe(false);
  });
});

describe('a recorder without its lease', () => {
  it('acknowledges nothing, stores no segment and no close statement', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    parts.lease.isHeld = false;
    const { failed } = await parts.recorder.commit(slabsOf([textFrame(1, 10, 'select 1')], 1));
    expect(failed.map(([tape, { code }]) => [tape, code])).toEqual([[1, 'task-fenced']]);
    const before = [...parts.store.objects.keys()];
    const ending = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 5 } as const;
    await expect(parts.recorder.close(1, ending)).rejects.toMatchObject({ code: 'task-fenced' });
    await expect(parts.recorder.open(2, opening(2), 0)).rejects.toMatchObject({ code: 'task-fenced' });
    expect([...parts.store.objects.keys()].filter((key) => key.includes(session))).toEqual(before);
  });
});

describe('sealForgotten', () => {
  it('seals a session that the index showed only after its task was sealed and forgotten', async () => {
    const [parts, book] = [await running(), new MemoryLeases()];
    await book.renew(TASK, new Date(NOW.getTime() - 1));
    const remainsOf = (): JournalRemains => remainsOfJournal(parts.journal, TASK);
    const { index } = parts;
    const late = {
      opened: index.opened.bind(index),
      closed: index.closed.bind(index),
      unsealed: async () => [],
    };
    // Its segments are in the store already.
    parts.journal.entries.splice(0);
    await sealEnded(book, remainsOf, { ...parts, index: late }, NOW);
    expect((await parts.index.get(session)).state).toBe('open');
    expect(await sealForgotten(book, remainsOf, parts, NOW)).toEqual({ sealed: 1, failures: [] });
    expect((await parts.index.get(session)).state).toBe('recovered');
    expect(await sealForgotten(book, remainsOf, parts, NOW)).toEqual({ sealed: 0, failures: [] });
  });

  it.each([
    ['lives', 1],
    ['ended, and that nobody has fenced yet', -1],
  ])('leaves a session alone whose task has a lease that %s', async (_, ms) => {
    const [parts, book] = [await running(), new MemoryLeases()];
    await book.renew(TASK, new Date(NOW.getTime() + ms));
    const done = await sealForgotten(book, () => remainsOfJournal(parts.journal, TASK), parts, NOW);
    expect(done).toEqual({ sealed: 0, failures: [] });
    expect((await parts.index.get(session)).state).toBe('open');
  });
});

describe('sealEnded', () => {
  it('takes over from a task whose lease ended, says so, and leaves a living one alone', async () => {
    const [parts, book] = [await running(), new MemoryLeases()];
    await book.renew(TASK, new Date(NOW.getTime() + 1));
    const remainsOf = (): JournalRemains => remainsOfJournal(parts.journal);
    expect(await sealEnded(book, remainsOf, parts, NOW)).toEqual({ sealed: 0, failures: [] });
    expect((await parts.index.get(session)).state).toBe('open');

    const later = new Date(NOW.getTime() + 2);
    expect(await sealEnded(book, remainsOf, parts, later)).toEqual({ sealed: 1, failures: [] });
    const close = JSON.parse(Buffer.from(await parts.store.get(`sessions/${session}/close.json`)).toString());
    expect(close.detail).toBe(
      `gateway task ${TASK} stopped without sealing (its lease ended at 2026-11-23T10:00:00.001Z); sealed at 2026-11-23T10:00:00.002Z`,
    );
    expect(await book.endedBefore(later)).toEqual([]);
    await expect(book.renew(TASK, later)).rejects.toMatchObject({ code: 'task-fenced' });
  });

  it('goes on with the next task where one cannot be read, and says so at the end', async () => {
    const [parts, book] = [await running(), new MemoryLeases()];
    for (const task of ['task-0', TASK]) await book.renew(task, new Date(NOW.getTime() - 1));
    const unreadable: JournalRemains = {
      read: () => Promise.reject(new CustodyError('state-damaged', 'the journal of task-0')),
      clear: async () => undefined,
    };
    const remainsOf = (task: string) => (task === TASK ? remainsOfJournal(parts.journal, TASK) : unreadable);
    expect(await sealEnded(book, remainsOf, parts, NOW)).toMatchObject({
      sealed: 1,
      troubles: [{ task: 'task-0', error: { message: 'the journal of task-0' } }],
    });
    expect((await parts.index.get(session)).state).toBe('recovered');
    expect((await book.endedBefore(NOW)).map(({ task }) => task)).toEqual(['task-0']);
  });

  it('seals sessions of that task only', async () => {
    const [parts, book] = [await running(), new MemoryLeases()];
    const other = { ...opening(1), gateway: { version: '0.1.0', task: 'task-2' } };
    await parts.recorder.open(2, other, 0);
    await book.renew(TASK, new Date(NOW.getTime() - 1));
    await sealEnded(book, () => remainsOfJournal(parts.journal, TASK), parts, NOW);
    expect((await parts.index.get(session)).state).toBe('recovered');
    expect((await parts.index.get(other.session)).state).toBe('open');
  });

  it('by two sealers at once, each killed anywhere and begun again, gives one whole evidence', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(2), { maxLength: 200 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        async (turns, kills) => {
          const [parts, book] = [await running(), new MemoryLeases()];
          await book.renew(TASK, new Date(NOW.getTime() - 1));
          const turn = new Turns(turns);
          const sealer = async (name: number): Promise<void> => {
            for (let life = 0; ; life += 1) {
              const dies = { in: kills[name + 2 * life] ?? Number.POSITIVE_INFINITY };
              const slow = <T extends object>(port: T): T => turn.interleave(port, name, dies);
              const ports = {
                store: slow(parts.store),
                signer: slow(parts.signer),
                index: slow(parts.index),
                leaves: slow(parts.leaves),
              };
              const remainsOf = () => slow(remainsOfJournal(parts.journal));
              const done = await sealEnded(slow(book), remainsOf, ports, NOW).catch(
                (error: unknown) => error,
              );
              if (!(done instanceof Killed) && !hasKilled(done)) return;
            }
          };
          await turn.run([sealer(0), sealer(1)]);
          await sealEnded(book, () => remainsOfJournal(parts.journal), parts, NOW);
          const report = await verifyEvidence(parts.store.evidence(session, parts.signer.pem), {
            trustedSigners: [parts.signer.der],
            session,
          });
          expect(report).toMatchObject({ verdict: 'verified', findings: [] });
          expect(report.facts?.frames).toBe(3);
          expect((await parts.index.get(session)).state).toBe('recovered');
          expect(parts.leaves.added.size).toBe(2);
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** A session with frames in the journal, whose gateway is gone. */
async function running(): Promise<ReturnType<typeof memoryRecorder>> {
  const parts = memoryRecorder();
  await parts.recorder.open(1, opening(), 0);
  for (const [i, text] of ['begin', 'drop table orders', 'commit'].entries()) {
    await parts.recorder.commit(slabsOf([textFrame(1, 10 * i, text)], i + 1));
  }
  return parts;
}

function remainsOfJournal(journal: MemoryJournal, task?: string): JournalRemains {
  return {
    read: (take) => giveAll(task === 'task-2' ? [] : journal.entries, take),
    clear: async (keep = new Set()) => {
      const kept = journal.entries.filter((entry) => keep.has(entry.session));
      journal.entries.splice(0, journal.entries.length, ...kept);
    },
  };
}

/** A sealing whose failures are those of the killed process itself. */
function hasKilled(done: unknown): boolean {
  const { failures } = done as Sealing;
  return failures.some(({ error }) => causes(error).some((cause) => cause instanceof Killed));
}

function causes(error: unknown): unknown[] {
  return error instanceof CustodyError || error instanceof Error
    ? [error, ...causes((error as { cause?: unknown }).cause)]
    : [];
}
