import { createPublicKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import { objectKey } from '#core/recording/layout.ts';
import { readFrames } from '#core/recording/read.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import { headBytes, segmentBytes } from '#core/recording/trailer.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { isVouched } from '#core/recording/vouched.ts';
import { failuresOf, memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';
import { tailsIn } from '#test/support/remains.ts';

const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;

type Parts = ReturnType<typeof memoryRecorder>;

async function verdictOf({ store, signer }: Parts, session: string) {
  const report = await verifyEvidence(store.evidence(session, signer.pem), {
    trustedSigners: [signer.der],
    session,
  });
  return { verdict: report.verdict, findings: report.findings };
}

describe('Recorder', () => {
  it('stores a signed open statement before it resolves', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    expect(await parts.store.list(`sessions/${opening().session}/`)).toEqual(['open.json', 'open.json.sig']);
    expect((await verdictOf(parts, opening().session)).verdict).toBe('incomplete');
  });

  it('opens no session when the statement cannot be signed (security case 5)', async () => {
    const parts = memoryRecorder();
    parts.signer.sign = () => Promise.reject(new Error('KMS is down'));
    await expect(parts.recorder.open(1, opening(), 0)).rejects.toMatchObject({
      code: 'recording-failed',
      detail: 'Error: KMS is down',
    });
    expect(parts.store.objects.size).toBe(0);
  });

  it('leaves evidence that the independent verifier accepts, frames in order', async () => {
    const parts = memoryRecorder();
    const { session } = opening();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.commit(slabsOf([textFrame(1, 10, 'select 1'), textFrame(1, 20, 'select 2')], 1));
    await parts.recorder.commit(slabsOf([textFrame(1, 30, 'select 3')], 2));
    const outcome = await parts.recorder.close(1, ENDING);
    expect(outcome).toMatchObject({ segments: 1, frames: 3, bytes: 24, recovered: false });
    expect(await verdictOf(parts, session)).toEqual({ verdict: 'verified', findings: [] });
    const segment = await parts.store.get(`sessions/${session}/00000000.seg`);
    expect(
      [...readFrames(segment)].map(({ timeUs, payload }) => `${timeUs} ${Buffer.from(payload).toString()}`),
    ).toEqual(['10 select 1', '20 select 2', '30 select 3']);
  });

  it('seals a session without frames, without segments', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    expect(await parts.recorder.close(1, ENDING)).toMatchObject({ segments: 0, frames: 0 });
    expect((await verdictOf(parts, opening().session)).verdict).toBe('verified');
  });

  it('goes up to its last frame, though the session had ended before that was recorded', async () => {
    const parts = memoryRecorder();
    const { session } = opening();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.commit(slabsOf([textFrame(1, 360_000, 'behind the end')], 360));
    expect(await parts.recorder.close(1, { ...ENDING, at: 300 })).toMatchObject({ frames: 1 });
    expect(await verdictOf(parts, session)).toEqual({ verdict: 'verified', findings: [] });
  });

  it('journals small commits and puts large ones as segments, one after another', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const chunk = randomBytes(60_000);
    const frames = Array.from({ length: 200 }, (_, i) => ({
      tape: 1,
      stream: Stream.target,
      timeUs: i,
      payload: chunk,
    }));
    await parts.recorder.commit(slabsOf([textFrame(1, 0, 'small')], 1));
    expect(parts.journal.entries).toHaveLength(1);
    expect(await failuresOf(parts.recorder.commit(slabsOf(frames, 2)))).toEqual([]);
    expect(parts.journal.entries).toHaveLength(1);
    expect(parts.journal.released).toEqual([`${opening().session}/0`]);
    await parts.recorder.commit(
      slabsOf(
        frames.map((frame) => ({ ...frame, timeUs: 500 })),
        3,
      ),
    );
    expect(await parts.recorder.close(1, ENDING)).toMatchObject({ segments: 2, frames: 401 });
    expect((await verdictOf(parts, opening().session)).verdict).toBe('verified');
  });

  it('makes every journaled state a whole, signed segment of its own', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    for (const n of [1, 2, 3]) await parts.recorder.commit(slabsOf([textFrame(1, n, `frame ${n}`)], n));
    const content: Uint8Array[] = [];
    for (const [i, entry] of parts.journal.entries.entries()) {
      expect(entry.offset).toBe(Buffer.concat(content).byteLength);
      content.push(entry.block);
      const vouched = { head: headBytes(entry.head), ...entry.voucher };
      const segment = segmentBytes(Buffer.concat(content), vouched);
      expect(isVouched(vouched, await keysOf(parts))).toBe(true);
      expect([...readFrames(segment)].map(({ payload }) => Buffer.from(payload).toString())).toHaveLength(
        i + 1,
      );
    }
  });

  it('signs once for all sessions of a commit, and for each where it is alone with its segment', async () => {
    const parts = memoryRecorder();
    for (const tape of [1, 2, 3]) await parts.recorder.open(tape, opening(tape), 0);
    const all = (at: number) =>
      slabsOf(
        [1, 2, 3].map((tape) => textFrame(tape, at, 'x')),
        at,
      );
    await parts.recorder.commit(all(1));
    const vouchers = new Set(parts.journal.entries.map(({ voucher }) => voucher));
    expect([parts.journal.entries.length, vouchers.size]).toEqual([3, 1]);
    const [{ manifest }] = [...vouchers] as unknown as [{ manifest: Uint8Array }];
    for (const { session, head, voucher } of parts.journal.entries) {
      expect(isVouched({ head: headBytes(head), ...voucher }, await keysOf(parts, session))).toBe(true);
    }
    expect(Buffer.from(manifest).toString().split('\n')).toHaveLength(5);
  });

  it('names another journal key an hour later, and each session stays with its own', async () => {
    const parts = memoryRecorder();
    for (const [tape, at] of [
      [1, 0],
      [2, 3_599_999],
      [3, 3_600_000],
    ] as const)
      await parts.recorder.open(tape, opening(tape), at);
    const named = await Promise.all(
      [1, 2, 3].map(async (n) => (await keysOf(parts, opening(n).session)).journal),
    );
    expect(named[0]!.equals(named[1]!)).toBe(true);
    expect(named[0]!.equals(named[2]!)).toBe(false);
    await parts.recorder.commit(
      slabsOf(
        [1, 2, 3].map((tape) => textFrame(tape, 1, 'x')),
        3_600_001,
      ),
    );
    expect(new Set(parts.journal.entries.map(({ voucher }) => voucher)).size).toBe(2);
    for (const { session, head, voucher } of parts.journal.entries)
      expect(isVouched({ head: headBytes(head), ...voucher }, await keysOf(parts, session))).toBe(true);
  });

  it('tells which sessions failed when the journal fails, and closes them with what it has', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(1), 0);
    await parts.recorder.open(2, opening(2), 0);
    await parts.recorder.commit(slabsOf([textFrame(2, 1, 'safe')], 1));
    parts.journal.failing = new Error('ENOSPC');
    const { failed } = await parts.recorder.commit(slabsOf([textFrame(1, 1, 'x')], 2));
    expect(failed.map(([tape, { code, detail }]) => [tape, code, detail])).toEqual([
      [1, 'recording-failed', 'Error: ENOSPC'],
    ]);
    const outcome = await parts.recorder.close(1, { ...ENDING, reason: 'recording-failed' });
    expect(outcome.reason).toBe('recording-failed');
    expect((await verdictOf(parts, opening(1).session)).verdict).toBe('verified');
  });

  it('never stores a segment behind one that failed', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const put = parts.store.put.bind(parts.store);
    let failures = 1;
    parts.store.put = async (key, bytes) => {
      if (key.endsWith('.seg') && failures-- > 0) throw new Error('store is down');
      return put(key, bytes);
    };
    const big = { tape: 1, stream: Stream.target, timeUs: 1, payload: randomBytes(1 << 19) };
    const frames = Array.from({ length: 20 }, () => big);
    expect(await failuresOf(parts.recorder.commit(slabsOf(frames, 1)))).toHaveLength(1);
    await parts.recorder.commit(slabsOf(frames, 2));
    await expect(parts.recorder.close(1, ENDING)).rejects.toMatchObject({
      code: 'recording-failed',
      detail: 'Error: store is down',
    });
    expect(await parts.store.list(`sessions/${opening().session}/`)).toEqual(['open.json', 'open.json.sig']);
    expect(await parts.index.unsealed()).toHaveLength(1);
  });

  it('lists the login at the target where one was chosen', async () => {
    const parts = memoryRecorder();
    const opened = opening();
    await parts.recorder.open(1, { ...opened, target: { ...opened.target, login: 'deploy' } }, 0);
    expect(await parts.index.unsealed()).toMatchObject([{ target: opened.target.name, login: 'deploy' }]);
  });

  it('keeps sessions apart, whatever the order of their frames', async () => {
    const frame = fc.record({
      tape: fc.integer({ min: 1, max: 3 }),
      size: fc.integer({ min: 0, max: 3000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(frame, { maxLength: 30 }), { maxLength: 4 }), async (commits) => {
        const parts = memoryRecorder();
        const expected = new Map<number, string[]>([1, 2, 3].map((tape) => [tape, []]));
        for (const tape of expected.keys()) await parts.recorder.open(tape, opening(tape), 0);
        let time = 0;
        for (const [i, commit] of commits.entries()) {
          const frames = commit.map(({ tape, size }) => {
            time += 1;
            const payload = Buffer.alloc(size, `${tape}:${time};`);
            expected.get(tape)!.push(payload.toString());
            return { tape, stream: Stream.client, timeUs: time, payload };
          });
          await parts.recorder.commit(slabsOf(frames, i + 1));
        }
        for (const [tape, payloads] of expected) {
          await parts.recorder.close(tape, ENDING);
          const { session } = opening(tape);
          expect((await verdictOf(parts, session)).verdict).toBe('verified');
          const names = await parts.store.list(`sessions/${session}/`);
          const segments = names.filter((name) => name.endsWith('.seg'));
          const read: string[] = [];
          for (const name of segments) {
            const bytes = await parts.store.get(`sessions/${session}/${name}`);
            for (const { payload } of readFrames(bytes)) read.push(Buffer.from(payload).toString());
          }
          expect(read).toEqual(payloads);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('a commit for those who wait', () => {
  const answer = (tape: number, text: string) => ({ ...textFrame(tape, 1, text), stream: Stream.target });

  async function stand() {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(1, 'write-ahead'), 0);
    await parts.recorder.open(2, opening(2, 'write-ahead'), 0);
    await parts.recorder.open(3, opening(3), 0);
    const commit = async (all: boolean, ...frames: Parameters<typeof slabsOf>[0]) =>
      (await parts.recorder.commit(slabsOf(frames, 1), all)).isPartial;
    const entered = () =>
      parts.journal.entries.map(({ session, head }) => `${session.slice(-1)}:${head.frames}`);
    return { ...parts, commit, entered };
  }

  it('enters what a write-ahead session is to forward, and puts off answers and windowed sessions', async () => {
    const { commit, entered } = await stand();
    expect(
      await commit(false, textFrame(1, 1, 'select 1'), answer(2, 'row'), textFrame(3, 1, 'select 3')),
    ).toBe(true);
    expect(entered()).toEqual(['1:1']);
    expect(await commit(false, answer(1, 'row'), textFrame(2, 1, 'select 2'))).toBe(true);
    expect(entered()).toEqual(['1:1', '2:2']);
    expect(await commit(true)).toBe(false);
    expect(entered()).toEqual(['1:1', '2:2', '3:1', '1:2']);
    expect(await commit(true)).toBe(false);
    expect(entered()).toHaveLength(4);
  });

  it('says that all is durable only behind the commit that has it, however many are on their way', async () => {
    const { recorder, commit } = await stand();
    const told: boolean[] = [];
    const tell = (isPartial: boolean): void => void told.push(isPartial);
    await Promise.all([
      commit(false, answer(1, 'row')).then(tell),
      commit(true, textFrame(2, 1, 'select 2')).then(tell),
      commit(false, answer(1, 'another')).then(tell),
    ]);
    expect(told).toEqual([true, false, true]);
    expect(recorder.isPartial).toBe(true);
  });

  it('owes nothing of a session that has ended, and loses nothing of it', async () => {
    const parts = await stand();
    await parts.commit(false, textFrame(3, 1, 'select 3'));
    expect(await parts.recorder.close(3, ENDING)).toMatchObject({ frames: 1 });
    expect(parts.recorder.isPartial).toBe(false);
    expect((await verdictOf(parts, opening(3).session)).verdict).toBe('verified');
  });
});

describe('Recorder with a slow store', () => {
  /** Segments are held until `go`. */
  function holdSegments({ store }: ReturnType<typeof memoryRecorder>): { go(): void } {
    const put = store.put.bind(store);
    const gate = Promise.withResolvers<void>();
    store.put = async (key, bytes) => {
      if (key.endsWith('.seg')) await gate.promise;
      return put(key, bytes);
    };
    return { go: () => gate.resolve() };
  }

  const much = Array.from({ length: 20 }, (_, i) => ({
    tape: 1,
    stream: Stream.target,
    timeUs: i,
    payload: randomBytes(1 << 19),
  }));

  it("keeps nobody waiting for others' segments, and calls their own frames durable when they are", async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(1), 0);
    await parts.recorder.open(2, opening(2), 0);
    const held = holdSegments(parts);
    const settled: string[] = [];
    const first = await parts.recorder.commit(slabsOf([...much, textFrame(2, 30, 'a')], 1));
    expect([first.failed, first.behind.map(([tape]) => tape)]).toEqual([[], [1]]);
    const second = await parts.recorder.commit(slabsOf([textFrame(1, 40, 'b'), textFrame(2, 40, 'c')], 2));
    expect(second.behind.map(([tape]) => tape)).toEqual([1]);
    void first.behind[0]![1].then(() => settled.push('first'));
    void second.behind[0]![1].then(() => settled.push('second'));
    await quiet();
    expect(settled).toEqual([]);
    held.go();
    await quiet();
    expect(settled).toEqual(['first', 'second']);
    // The little that came meanwhile is in the journal, and worth something.
    expect(parts.journal.entries.map(({ session, segment }) => [session, segment])).toEqual([
      [opening(2).session, 0],
      [opening(2).session, 0],
      [opening(1).session, 1],
    ]);
    await parts.recorder.close(1, ENDING);
    expect((await verdictOf(parts, opening(1).session)).verdict).toBe('verified');
  });

  it('calls nothing durable that is in the same segment as the commit before it', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const held = holdSegments(parts);
    const commits = [slabsOf(much, 1), slabsOf([textFrame(1, 40, 'b')], 2)];
    const [, second] = await Promise.all(commits.map((slabs) => parts.recorder.commit(slabs)));
    expect(second!.behind.map(([tape]) => tape)).toEqual([1]);
    held.go();
    expect(await second!.behind[0]![1]).toBeUndefined();
    expect(parts.journal.entries).toEqual([]);
  });

  it('goes on in the journal while an old segment is put: it has that one whole', async () => {
    const parts = memoryRecorder();
    const { session } = opening();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.commit(slabsOf([textFrame(1, 1, 'old')], 1));
    const held = holdSegments(parts);
    const aged = parts.recorder.putAged(100_000);
    await quiet();
    expect(await parts.recorder.commit(slabsOf([textFrame(1, 2, 'new')], 2))).toEqual({
      failed: [],
      behind: [],
      isPartial: false,
      tapes: 1,
    });
    const [old, next] = await tailsIn(parts.journal.remains());
    held.go();
    expect(await aged).toEqual([]);
    const stored = await parts.store.get(`sessions/${session}/00000000.seg`);
    const journaled = segmentBytes(old!.content, { head: headBytes(old!.head), ...old!.voucher });
    expect(journaled.equals(stored)).toBe(true);
    expect(next!.head.previous).toBe(sha256Hex(stored));
  });

  it('puts the old of a thousand sessions a few at a time, and not all of them at the same age', async () => {
    const parts = memoryRecorder();
    const tapes = Array.from({ length: 40 }, (_, i) => i + 1);
    for (const tape of tapes)
      await parts.recorder.open(tape, { ...opening(tape), session: randomUuid(tape) }, 0);
    await parts.recorder.commit(
      slabsOf(
        tapes.map((tape) => textFrame(tape, 1, 'x')),
        1,
      ),
    );
    const stored = (): number => [...parts.store.objects.keys()].filter((key) => key.endsWith('.seg')).length;
    await parts.recorder.putAged(30_000);
    expect(stored()).toBe(0);
    await parts.recorder.putAged(45_000);
    const half = stored();
    expect(half).toBeGreaterThan(4);
    expect(half).toBeLessThanOrEqual(16);
    for (const most of [half + 16, 40]) {
      await parts.recorder.putAged(60_001);
      expect(stored()).toBe(Math.min(most, 40));
    }
  });

  it('acknowledges no more once segments that are not stored fill the memory', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const held = holdSegments(parts);
    const bits = (at: number) => slabsOf([{ ...much[0]!, timeUs: at, payload: randomBytes(60_000) }], at);
    let commits = 0;
    let behind = 0;
    while (behind === 0 && commits < 1_000) {
      commits += 1;
      behind = (await parts.recorder.commit(bits(commits))).behind.length;
    }
    // Two segments of 8 MiB.
    expect(commits).toBe(280);
    held.go();
    await quiet();
    expect((await parts.recorder.commit(bits(commits + 1))).behind).toEqual([]);
  });
});

describe('Recorder with a journal that does not take everything', () => {
  /** Rows of 64 KiB a millisecond. */
  const stream = (tape: number, at: number, which: StreamNumber = Stream.target) =>
    slabsOf([{ tape, stream: which, timeUs: at * 1000, payload: randomBytes(1 << 16) }], at);

  async function streamed(durability: Opening['durability'], which?: StreamNumber) {
    const parts = memoryRecorder({ sessionBytesPerS: 1 << 20 });
    await parts.recorder.open(1, { ...opening(), durability }, 0);
    for (let at = 1; at <= 100; at += 1)
      expect(await failuresOf(parts.recorder.commit(stream(1, at, which)))).toEqual([]);
    const journaled = parts.journal.entries.reduce((sum, { block }) => sum + block.byteLength, 0);
    return { ...parts, journaled };
  }

  it('puts what comes fast into the store instead, and returns to the journal when it is over', async () => {
    const parts = await streamed({ mode: 'windowed', windowMs: 250 });
    expect(parts.journaled).toBeGreaterThan(500_000);
    expect(parts.journaled).toBeLessThan(1_000_000);
    const { length } = parts.journal.entries;
    await failuresOf(parts.recorder.commit(slabsOf([textFrame(1, 2_000_000, 'select 1')], 2_000)));
    expect(parts.journal.entries).toHaveLength(length + 1);
    expect(await parts.recorder.close(1, { ...ENDING, at: 3_000 })).toMatchObject({ frames: 101 });
    expect((await verdictOf(parts, opening().session)).verdict).toBe('verified');
  });

  it('does not where the window is too short for that, nor with what a client waits for', async () => {
    const all = 100 * (1 << 16);
    expect((await streamed({ mode: 'windowed', windowMs: 120 })).journaled).toBeGreaterThan(all);
    const ahead = { mode: 'write-ahead', windowMs: 250 } as const;
    expect((await streamed(ahead, Stream.client)).journaled).toBeGreaterThan(all);
    expect((await streamed(ahead)).journaled).toBeLessThan(1_000_000);
  });
});

describe('Recorder whose store is away', () => {
  it('waits for it as long as the session goes on, and tries each segment again in its turn', async () => {
    const pauses: number[] = [];
    const parts = memoryRecorder({}, async (ms) => void pauses.push(ms));
    await parts.recorder.open(1, opening(), 0);
    const put = parts.store.put.bind(parts.store);
    let failures = 3;
    parts.store.put = async (key, bytes) => {
      if (key.endsWith('.seg') && failures-- > 0) throw new CustodyError('store-unavailable', 'SlowDown');
      return put(key, bytes);
    };
    const frames = Array.from({ length: 20 }, () => ({
      ...{ tape: 1, stream: Stream.target, timeUs: 1 },
      payload: randomBytes(1 << 19),
    }));
    expect(await failuresOf(parts.recorder.commit(slabsOf(frames, 1)))).toEqual([]);
    expect(pauses).toEqual([100, 200, 400]);
    failures = Number.POSITIVE_INFINITY;
    // At its end, it is told at once; then `sealAgain` tries.
    await failuresOf(parts.recorder.commit(slabsOf([textFrame(1, 2, 'x')], 2)));
    await expect(parts.recorder.close(1, ENDING)).rejects.toMatchObject({ code: 'recording-failed' });
    failures = 0;
    expect(await parts.recorder.sealAgain()).toHaveLength(1);
    expect((await verdictOf(parts, opening().session)).verdict).toBe('verified');
  });
});

/** Of a session that began like the others, and ends differently. */
function randomUuid(n: number): string {
  return opening(n).session.slice(0, -4) + (n * 1_600).toString(16).padStart(4, '0');
}

/** Memory ports answer at once: after this, what has not been answered is held. */
/** The keys that a session's opening names. */
async function keysOf({ store }: Parts, session = opening().session) {
  const open = JSON.parse(Buffer.from(await store.get(objectKey(session, 'open.json'))).toString());
  const keyIn = (der: string) =>
    createPublicKey({ key: Buffer.from(der, 'base64'), format: 'der', type: 'spki' });
  return { recorder: keyIn(open.recorder), journal: keyIn(open.journal) };
}

async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise(setImmediate);
}
