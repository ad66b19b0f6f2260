import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionTape } from '#proxy/recorder/tapes.ts';
import { HeldRecorder, Stand, until } from '#test/support/relay-stand.ts';

let recorder: HeldRecorder;
let tape: SessionTape;
let there: Stand;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  recorder = new HeldRecorder();
  tape = await recorder.open({ durability: 'windowed', windowMs: 250 });
  there = await Stand.start(tape);
});
afterEach(() => {
  there.close();
  recorder.tapes.stop();
  vi.useRealTimers();
});

/** What the client sends has reached the target. */
async function passes(text: string): Promise<void> {
  const before = there.reached.length;
  there.client.write(text);
  await until(() => there.reached.length === before + text.length);
}

describe('a windowed session', () => {
  it('is recorded and forwarded at once', async () => {
    await passes('select 1');
    expect(recorder.commits).toHaveLength(0);
    recorder.tapes.handOver();
    expect(recorder.makeDurable(1)).toBe(8);
  });

  it('is not read any more once its window is over and nothing has become durable, and then goes on', async () => {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 230;
    vi.advanceTimersByTime(25);
    there.client.write('select 2');
    there.target.write('an answer');
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect([there.reached, there.client.bytesRead]).toEqual(['select 1', 0]);
    const answer = once(there.client, 'data');
    recorder.makeDurable(1);
    await until(() => there.reached === 'select 1select 2');
    expect(String(await answer)).toBe('an answer');
  });

  /** A frame is taken, and its window goes by unseen: the thread had no CPU. */
  async function windowGoesBy(): Promise<void> {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 251;
  }

  async function isRecorded(from: Socket, text: string): Promise<void> {
    const { position } = tape;
    from.write(text);
    await until(() => tape.position > position);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  }

  it('records what comes when its window is over already, and passes it on when the recorder has caught up', async () => {
    await windowGoesBy();
    await isRecorded(there.client, 'select 2');
    there.client.write('select 3');
    there.target.write('an answer');
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect([there.reached, there.client.bytesRead]).toEqual(['select 1', 0]);
    const answer = once(there.client, 'data');
    recorder.makeDurable(1);
    await until(() => there.reached === 'select 1select 2select 3');
    expect(String(await answer)).toBe('an answer');
  });

  it('does the same with what the target says, and waits while anything is older than its window', async () => {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 100;
    await passes('select 2');
    recorder.tapes.handOver();
    recorder.now += 251;
    await isRecorded(there.target, 'an answer');
    recorder.makeDurable(1);
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(there.client.bytesRead).toBe(0);
    const answer = once(there.client, 'data');
    recorder.makeDurable(1);
    expect(String(await answer)).toBe('an answer');
  });

  it.each([
    ['client', 'target'],
    ['target', 'client'],
  ] as const)('that the %s ends with such words ends when they have gone on', async (from, to) => {
    await windowGoesBy();
    await isRecorded(there[from], 'goodbye');
    there[from].end();
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(there.ended).toEqual([]);
    const words = from === 'client' ? 'select 1goodbye' : 'goodbye';
    let heard = from === 'client' ? there.reached : '';
    there[to].on('data', (bytes: Buffer) => (heard += String(bytes)));
    recorder.makeAllDurable();
    await until(() => heard === words && there.ended.length > 0);
    expect(there.ended).toEqual([from]);
  });

  it('that begins when its window is over greets nobody before the recorder has caught up', async () => {
    await windowGoesBy();
    const late = await Stand.start(tape, '', undefined, 'welcome');
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(late.client.bytesRead).toBe(0);
    const heard = once(late.client, 'data');
    recorder.makeAllDurable();
    expect(String(await heard)).toBe('welcome');
    late.close();
  });

  it('that is stopped passes on nothing that waits, and says how much of it the client sent', async () => {
    await windowGoesBy();
    await isRecorded(there.client, 'select 2');
    const note = vi.spyOn(tape, 'note');
    there.relay.stop();
    recorder.makeAllDurable();
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(there.reached).toBe('select 1');
    expect(note.mock.calls).toEqual([[{ note: 'not-forwarded', bytes: 8 }]]);
  });

  it('goes on within its window', async () => {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 200;
    vi.advanceTimersByTime(25);
    await passes('select 2');
    expect(there.reached).toBe('select 1select 2');
  });

  it('ends when nothing becomes durable by the deadline', async () => {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 5_001;
    vi.advanceTimersByTime(25);
    expect(recorder.failures.map(({ code }) => code)).toEqual(['recording-failed']);
  });

  it('is not read again after it was stopped, though the recorder has caught up', async () => {
    await passes('select 1');
    recorder.tapes.handOver();
    recorder.now += 230;
    vi.advanceTimersByTime(25);
    there.relay.stop();
    recorder.makeDurable(1);
    there.target.write('an answer');
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(there.client.bytesRead).toBe(0);
  });
});
