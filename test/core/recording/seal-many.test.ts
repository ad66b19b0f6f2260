import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { surveyTails } from '#core/recording/journal-tails.ts';
import { objectKey, segmentName } from '#core/recording/layout.ts';
import type { JournalRemains } from '#core/recording/ports.ts';
import { type SealerRun, sealAbandoned, sealEnded } from '#core/recording/seal.ts';
import { Claimant } from '#core/recording/sealing-claims.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { MemoryClaims } from '#test/support/memory-claims.ts';
import { MemoryLeases } from '#test/support/memory-leases.ts';
import { memoryRecorder, opening, putAllAged, slabsOf, textFrame } from '#test/support/recorder.ts';
import { giveAll } from '#test/support/remains.ts';
import { Rounds } from '#test/support/rounds.ts';
import { Turns } from '#test/support/turns.ts';

const NOW = new Date('2026-11-23T10:00:00.000Z');
const TASK = opening().gateway.task;
const AGED_MS = 61_000;

type Parts = ReturnType<typeof memoryRecorder>;

/** A dead task. Its sessions have `segments` segments each and a tail, all of them in the journal; in the store, as many as `stored` says. */
async function deadTask(
  segments: number,
  stored: readonly number[],
): Promise<Parts & { book: MemoryLeases }> {
  const [parts, book] = [memoryRecorder(), new MemoryLeases()];
  const tapes = stored.map((_, n) => n + 1);
  for (const tape of tapes) await parts.recorder.open(tape, opening(tape), 0);
  for (let n = 0; n <= segments; n += 1) {
    const at = n * AGED_MS;
    await parts.recorder.commit(
      slabsOf(
        tapes.map((tape) => textFrame(tape, at * 1000, `${tape}/${n}`)),
        at + 1,
      ),
    );
    if (n < segments) await putAllAged(parts.recorder, tapes.length, at + AGED_MS);
  }
  for (const [n, count] of stored.entries())
    for (let segment = count; segment < segments; segment += 1)
      parts.store.objects.delete(objectKey(opening(n + 1).session, segmentName(segment)));
  await book.renew(TASK, new Date(NOW.getTime() - 1));
  return { ...parts, book };
}

function remainsOf({ journal }: Pick<Parts, 'journal'>): JournalRemains {
  return {
    read: (take) => giveAll(journal.entries, take),
    clear: async (keep = new Set()) => {
      const kept = journal.entries.filter(({ session }) => keep.has(session));
      journal.entries.splice(0, journal.entries.length, ...kept);
    },
  };
}

function sealed(parts: Parts & { book: MemoryLeases }, run: Partial<SealerRun> = {}) {
  return sealEnded(parts.book, () => remainsOf(parts), parts, NOW, { mayBegin: () => true, ...run });
}

/** Verdicts with the numbers of frames. */
function verdicts({ store, signer }: Parts, sessions: number): Promise<string[]> {
  const all = Array.from({ length: sessions }, async (_, n) => {
    const { session } = opening(n + 1);
    const options = { trustedSigners: [signer.der], session };
    const { verdict, findings, facts } = await verifyEvidence(store.evidence(session, signer.pem), options);
    return [verdict, ...findings.map(({ code }) => code), facts?.frames].join(' ');
  });
  return Promise.all(all);
}

describe('calls in sequence', () => {
  async function rounds(sessions: number, segments: number): Promise<number> {
    const parts = await deadTask(
      segments,
      Array.from({ length: sessions }, () => segments),
    );
    const counted = new Rounds();
    const ports = {
      store: counted.wrap(parts.store),
      signer: counted.wrap(parts.signer),
      index: counted.wrap(parts.index),
      leaves: counted.wrap(parts.leaves),
    };
    const remains = counted.wrap(remainsOf(parts));
    const taken = await counted.of(sealEnded(counted.wrap(parts.book), () => remains, ports, NOW));
    expect(await verdicts(parts, sessions)).toEqual(
      Array.from({ length: sessions }, () => `verified ${segments + 1}`),
    );
    return taken;
  }

  // Of the task: its lease, its fence, the index, the journal twice; its journal is cleared, and it is forgotten.
  const TASK_CALLS = 7;
  // Of a session: names, all that is stored, tail, close statement beside its signing, signature, leaves, index.
  const SESSION_CALLS = 7;

  it('are seven for a session, however much it has stored', async () => {
    expect(await rounds(1, 0)).toBe(TASK_CALLS + SESSION_CALLS);
    expect(await rounds(1, 60)).toBe(TASK_CALLS + SESSION_CALLS);
  });

  it('are no more for 32 sessions, and as many again for the next', async () => {
    expect(await rounds(32, 2)).toBe(TASK_CALLS + SESSION_CALLS);
    expect(await rounds(33, 2)).toBe(TASK_CALLS + 2 * SESSION_CALLS);
  });
});

describe('a journal that is more than may be held', () => {
  const stored = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });

  it('is sealed part by part, with nothing left out', async () => {
    await fc.assert(
      fc.asyncProperty(stored, fc.integer({ min: 1, max: 300 }), async (counts, tailBytes) => {
        const parts = await deadTask(3, counts);
        expect(await sealed(parts, { tailBytes })).toEqual({ sealed: counts.length, failures: [] });
        expect(await verdicts(parts, counts.length)).toEqual(counts.map(() => 'verified 4'));
        expect(parts.journal.entries).toEqual([]);
        expect(await parts.book.endedBefore(NOW)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('is looked through once, and read once more for each part', async () => {
    const parts = await deadTask(3, [0, 3]);
    const remains = remainsOf(parts);
    const [segment] = [...(await surveyTails(remains)).get(opening(1).session)!.values()] as [number];
    let reads = 0;
    const read: JournalRemains['read'] = async (take) => {
      reads += 1;
      await remains.read(take);
    };
    // Room for one segment: the second session's tail goes with nobody, and the first has four.
    const run = { mayBegin: () => true, tailBytes: segment };
    await sealAbandoned({ ...remains, read }, parts, NOW, {}, run);
    expect(reads).toBe(1 + 1 + 4);
    expect(await verdicts(parts, 2)).toEqual(['verified 4', 'verified 4']);
  });

  it('closes nothing behind a part that failed, and seals it whole another time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.integer({ min: 1, max: 200 }), async (failing, tailBytes) => {
        const parts = await deadTask(3, [0, 0]);
        const put = parts.store.put.bind(parts.store);
        const bad = objectKey(opening(1).session, segmentName(failing));
        parts.store.put = (key, bytes) => (key === bad ? Promise.reject(new Error('away')) : put(key, bytes));
        const done = await sealed(parts, { tailBytes });
        expect([done.sealed, done.failures.map(({ session }) => session)]).toEqual([1, [opening(1).session]]);
        expect(parts.store.objects.has(objectKey(opening(1).session, 'close.json'))).toBe(false);
        parts.store.put = put;
        expect(await sealed(parts, { tailBytes })).toEqual({ sealed: 1, failures: [] });
        expect(await verdicts(parts, 2)).toEqual(['verified 4', 'verified 4']);
      }),
      { numRuns: 15 },
    );
  });

  it('by two sealers at once, in whatever turns, gives whole evidence of each', async () => {
    const turns = fc.array(fc.nat(1), { maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(stored, turns, fc.integer({ min: 1, max: 300 }), async (counts, order, tailBytes) => {
        const parts = await deadTask(3, counts);
        const turn = new Turns(order);
        const sealer = async (name: number): Promise<void> => {
          const slow = <T extends object>(port: T): T =>
            turn.interleave(port, name, { in: Number.POSITIVE_INFINITY });
          const { store, signer, index, leaves } = parts;
          const ports = {
            store: slow(store),
            signer: slow(signer),
            index: slow(index),
            leaves: slow(leaves),
          };
          const run = { mayBegin: () => true, tailBytes };
          await sealEnded(slow(parts.book), () => slow(remainsOf(parts)), ports, NOW, run);
        };
        await turn.run([sealer(0), sealer(1)]);
        await sealed(parts);
        expect(await verdicts(parts, counts.length)).toEqual(counts.map(() => 'verified 4'));
        expect(parts.leaves.added.size).toBe(2 * counts.length);
      }),
      { numRuns: 30 },
    );
  });

  it('that another sealer has cleared in the middle is not taken for all there was', async () => {
    const parts = await deadTask(1, [0]);
    const blocks = parts.journal.entries.filter(({ block }) => block.byteLength > 0);
    let reads = 0;
    const remains: JournalRemains = {
      // The first part of what was there a moment ago.
      read: (take) => giveAll(blocks.slice(0, (reads += 1) === 1 ? 2 : 1), take),
      clear: async () => undefined,
    };
    const { failures } = await sealAbandoned(remains, parts, NOW);
    expect(failures.map(({ error }) => error.detail)).toEqual([
      'the journal held less of it than a moment before',
    ]);
    expect(await parts.store.list(`sessions/${opening(1).session}/`)).toEqual(['open.json', 'open.json.sig']);
  });
});

describe('a run that has no more time', () => {
  it('looks at the time before each task, each part of a journal and each session', async () => {
    const sealedAfter = async (looks: number): Promise<number> => {
      const parts = await deadTask(0, [0, 0, 0]);
      let left = looks;
      return (await sealed(parts, { mayBegin: () => (left -= 1) >= 0 })).sealed;
    };
    expect(await Promise.all([0, 1, 2, 3, 4, 5].map(sealedAfter))).toEqual([0, 0, 0, 1, 2, 3]);
  });

  it('ends what it has begun and begins nothing; the next one does the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.integer({ min: 1, max: 300 }), async (looks, tailBytes) => {
        const parts = await deadTask(2, [0, 1, 2]);
        let left = looks;
        const first = await sealed(parts, { tailBytes, mayBegin: () => (left -= 1) >= 0 });
        const isAll = first.sealed === 3 && first.isUnfinished === undefined;
        expect(first.failures).toEqual([]);
        expect((await parts.book.endedBefore(NOW)).length).toBe(isAll ? 0 : 1);
        expect(isAll || first.isUnfinished).toBe(true);
        expect(await sealed(parts)).toEqual({ sealed: 3 - first.sealed, failures: [] });
        expect(await verdicts(parts, 3)).toEqual(['verified 3', 'verified 3', 'verified 3']);
      }),
      { numRuns: 30 },
    );
  });
});

describe('several tasks', () => {
  it('are sealed by one sealer at a time: another leaves them alone until it is done, or has been silent for long', async () => {
    const parts = await deadTask(0, [0]);
    const claims = new MemoryClaims();
    let nowMs = 0;
    const claimant = (name: string) => new Claimant(claims, name, () => new Date(nowMs));
    const dead = await claimant('dead').claim(TASK);
    expect(await sealed(parts, { claimant: claimant('a') })).toEqual({ sealed: 0, failures: [] });
    expect((await parts.index.unsealed()).length).toBe(1);
    nowMs = 90_000;
    expect(dead).toBeDefined();
    expect(await sealed(parts, { claimant: claimant('a') })).toEqual({ sealed: 1, failures: [] });
    expect(await claimant('b').claim(TASK)).toBeDefined();
  });

  it('are claimed for as long as they are sealed, and given up also by a run that fails', async () => {
    const parts = await deadTask(0, [0]);
    const claims = new MemoryClaims();
    const claimant = (name: string) => new Claimant(claims, name, () => new Date(0));
    const broken: JournalRemains = {
      read: async () => {
        expect(await claimant('b').claim(TASK)).toBeUndefined();
        throw new Error('torn');
      },
      clear: async () => undefined,
    };
    const run = { mayBegin: () => true, claimant: claimant('a') };
    const { troubles } = await sealEnded(parts.book, () => broken, parts, NOW, run);
    expect(troubles!.map(({ task, error }) => [task, error.detail])).toEqual([
      [TASK, expect.stringContaining('torn')],
    ]);
    expect(await claimant('b').claim(TASK)).toBeDefined();
  });

  it('go on while one of them hangs', async () => {
    const parts = await deadTask(0, [0]);
    const book = new MemoryLeases();
    for (const task of ['hangs', TASK]) await book.renew(task, new Date(NOW.getTime() - 1));
    const hanging: JournalRemains = {
      read: () => new Promise(() => undefined),
      clear: async () => undefined,
    };
    const remains = (task: string) => (task === TASK ? remainsOf(parts) : hanging);
    void sealEnded(book, remains, parts, NOW);
    for (let i = 0; i < 2_000 && (await parts.index.unsealed()).length > 0; i += 1) await Promise.resolve();
    expect(await parts.index.unsealed()).toEqual([]);
  });
});
