import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Stream } from '#core/recording/format.ts';
import { readFrames } from '#core/recording/read.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';

const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;

async function verdictOf({ store, signer }: ReturnType<typeof memoryRecorder>, session: string) {
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

  it('journals small commits and puts large ones as segments, one after another', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const chunk = new Uint8Array(60_000).fill(7);
    const frames = Array.from({ length: 200 }, (_, i) => ({
      tape: 1,
      stream: Stream.target,
      timeUs: i,
      payload: chunk,
    }));
    await parts.recorder.commit(slabsOf([textFrame(1, 0, 'small')], 1));
    expect(parts.journal.entries).toHaveLength(1);
    await parts.recorder.commit(slabsOf(frames, 2));
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
      const segment = Buffer.concat([...content, entry.trailer]);
      expect([...readFrames(segment)].map(({ payload }) => Buffer.from(payload).toString())).toHaveLength(
        i + 1,
      );
    }
  });

  it('tells which sessions failed when the journal fails, and closes them with what it has', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(1), 0);
    await parts.recorder.open(2, opening(2), 0);
    await parts.recorder.commit(slabsOf([textFrame(2, 1, 'safe')], 1));
    parts.journal.failing = new Error('ENOSPC');
    const failed = await parts.recorder.commit(slabsOf([textFrame(1, 1, 'x')], 2));
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
    const big = { tape: 1, stream: Stream.target, timeUs: 1, payload: new Uint8Array(1 << 19) };
    const frames = Array.from({ length: 20 }, () => big);
    expect(await parts.recorder.commit(slabsOf(frames, 1))).toHaveLength(1);
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

describe('Recorder with a slow store', () => {
  it('calls nothing durable while a segment that it hangs on is still on its way', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.commit(slabsOf([textFrame(1, 1, 'old')], 1));
    const put = parts.store.put.bind(parts.store);
    const gate = Promise.withResolvers<void>();
    parts.store.put = async (key, bytes) => {
      await gate.promise;
      return put(key, bytes);
    };
    const aged = parts.recorder.putAged(100_000);
    let durable = false;
    const committed = parts.recorder
      .commit(slabsOf([textFrame(1, 2, 'new')], 2))
      .then(() => (durable = true));
    await new Promise(setImmediate);
    expect(durable).toBe(false);
    gate.resolve();
    await Promise.all([aged, committed]);
    expect(parts.store.objects.has(`sessions/${opening().session}/00000000.seg`)).toBe(true);
  });
});
