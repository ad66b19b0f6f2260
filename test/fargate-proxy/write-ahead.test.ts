import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionTape } from '#proxy/recorder/tapes.ts';
import { HeldRecorder, Stand, until } from '#test/support/relay-stand.ts';

let recorder: HeldRecorder;
let tape: SessionTape;
let there: Stand | undefined;
beforeEach(async () => {
  recorder = new HeldRecorder();
  tape = await recorder.open({ durability: 'write-ahead', windowMs: 250 });
});
afterEach(() => {
  there?.close();
  recorder.tapes.stop();
});

async function stand(clientRest = ''): Promise<Stand> {
  there = await Stand.start(tape, clientRest);
  return there;
}

describe('write-ahead', () => {
  it('forwards nothing before its frame is durable, and then all of it in order', async () => {
    const there = await stand('early ');
    there.client.write('first ');
    await until(() => recorder.commits.length > 0);
    await there.roundTrip();
    expect(there.reached).toBe('');
    there.client.write('second');
    await until(() => recorder.commits.length > 1);
    recorder.makeDurable(1);
    await until(() => there.reached !== '');
    await there.roundTrip();
    expect('early first second'.startsWith(there.reached)).toBe(true);
    expect(there.reached).not.toContain('second');
    while (there.reached !== 'early first second') {
      if (recorder.commits.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
  });

  it('lets what arrives while two commits are under way share the next one', async () => {
    const there = await stand();
    for (const word of ['a', 'b']) {
      const before = recorder.commits.length;
      there.client.write(word);
      await until(() => recorder.commits.length > before);
    }
    const sent = Buffer.alloc(60_000, 'c');
    let taken = 0;
    for (let at = 0; at < sent.length; at += 1_000) {
      there.client.write(sent.subarray(at, at + 1_000));
      await new Promise(setImmediate);
      taken += 1;
    }
    expect(taken).toBe(60);
    expect(recorder.commits).toHaveLength(2);
    recorder.makeDurable(2);
    await until(() => recorder.commits.length > 0);
    expect(there.reached.startsWith('ab') || there.reached === '').toBe(true);
    while (there.reached.length < 60_002) {
      if (recorder.commits.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
    expect(there.reached).toBe(`ab${sent.toString()}`);
  });

  it('stops reading a client that sends more than may be held', async () => {
    const there = await stand();
    there.client.write(Buffer.alloc(20 << 20));
    await until(() => recorder.commits.length > 0);
    for (let turn = 0; turn < 200; turn += 1) await there.roundTrip();
    // A megabyte, and the read that made it more.
    expect(recorder.tapes.position).toBeLessThan((1 << 20) + (300 << 10));
    while (there.reached.length < 20 << 20) {
      if (recorder.commits.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
  });

  it('lets what a client sent before it went still reach the target', async () => {
    const there = await stand();
    there.client.end('last words');
    await until(() => recorder.commits.length > 0);
    expect(there.ended).toEqual([]);
    recorder.makeDurable(1);
    await until(() => there.reached === 'last words');
    await until(() => there.ended.length > 0);
    expect(there.ended).toEqual(['client']);
  });

  it('never forwards what became durable in vain: the session was ended, and the recording says so', async () => {
    const there = await stand();
    there.client.write('drop table orders');
    await until(() => recorder.commits.length > 0);
    there.relay.muteClient();
    recorder.makeDurable(1);
    recorder.tapes.handOver();
    const note = Buffer.from(recorder.commits[0]!.ranges[0]!.buffer as SharedArrayBuffer).toString('latin1');
    expect(note).toContain('{"note":"not-forwarded","bytes":17}');
    await there.roundTrip();
    expect(there.reached).toBe('');
  });

  it('never forwards what could not be stored', async () => {
    const there = await stand();
    there.client.write('drop table orders');
    await until(() => recorder.commits.length > 0);
    const error = { code: 'recording-failed', message: 'no', hint: undefined, detail: undefined } as const;
    recorder.tapes.receive({ kind: 'failed', tape: tape.number, error });
    recorder.makeDurable(1);
    await there.roundTrip();
    expect([there.reached, recorder.failures.length]).toEqual(['', 1]);
  });
});
