import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatherFrames } from '#core/recording/slab.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, Tapes } from '#proxy/recorder/tapes.ts';
import { Relay } from '#proxy/relay.ts';
import { RawEnd, streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { opening } from '#test/support/recorder.ts';

type HandedOver = Extract<ToRecorder, { kind: 'slab' }>;

/** A recorder that makes slabs durable only when the test says so. */
class HeldRecorder {
  readonly slabs: HandedOver[] = [];
  readonly tapes: Tapes = new Tapes({ postMessage: (message) => this.#receive(message) }, () => 1);

  #receive(message: ToRecorder): void {
    if (message.kind === 'open')
      queueMicrotask(() => this.tapes.receive({ kind: 'opened', tape: message.tape }));
    if (message.kind === 'slab') this.slabs.push(message);
  }

  /** The payload bytes of the frames in the oldest `count` slabs, which become durable. */
  makeDurable(count: number): number {
    const slabs = this.slabs.splice(0, count);
    const payload = gatherFrames(slabs, new Uint8Array(slabs.length << 20)).reduce(
      (sum, part) => sum + part.payload,
      0,
    );
    this.tapes.receive({ kind: 'durable', buffers: slabs.map(({ buffer }) => buffer) });
    return payload;
  }
}

const closers: (() => void)[] = [];
let recorder: HeldRecorder;
let tape: SessionTape;
let failures: number;
beforeEach(async () => {
  recorder = new HeldRecorder();
  failures = 0;
  tape = await recorder.tapes.open(opening(), {
    durability: 'write-ahead',
    windowMs: 250,
    deadlineMs: 5_000,
    onFailure: () => (failures += 1),
  });
  closers.push(() => recorder.tapes.stop());
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function connection(): Promise<{ ours: Socket; peer: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [ours] = (await accepted) as [Socket];
  closers.push(
    () => ours.destroy(),
    () => peer.destroy(),
    () => server.close(),
  );
  return { ours, peer };
}

interface Stand {
  readonly relay: Relay;
  readonly client: Socket;
  readonly target: Socket;
  /** What has reached the target. */
  readonly reached: () => string;
  readonly ended: string[];
}

async function stand(clientRest = ''): Promise<Stand> {
  const memory = new RelayMemory();
  const [client, target] = [await connection(), await connection()];
  const ended: string[] = [];
  let reached = '';
  target.peer.on('data', (bytes: Buffer) => (reached += bytes.toString('latin1')));
  const relay = new Relay({
    client: new RawEnd(client.ours, memory, streamBindings()),
    target: new RawEnd(target.ours, memory, streamBindings()),
    tape,
    memory,
    onClientBytes: () => undefined,
    onTargetBytes: () => undefined,
    onEnd: (side) => {
      ended.push(side);
      relay.stop();
    },
  });
  relay.start(Buffer.from(clientRest), new Uint8Array());
  return { relay, client: client.peer, target: target.peer, reached: () => reached, ended };
}

/** Resolves once `found` is true; the test's own time limit ends it. */
async function until(found: () => boolean): Promise<void> {
  while (!found()) await new Promise(setImmediate);
}

/** Bytes that go the other way arrive after all that was sent to the target before: an order, not a time. */
async function roundTrip({ client, target }: Stand): Promise<void> {
  const echo = once(client, 'data');
  target.write('.');
  await echo;
}

describe('write-ahead', () => {
  it('forwards nothing before its frame is durable, and then all of it in order', async () => {
    const there = await stand('early ');
    there.client.write('first ');
    await until(() => recorder.slabs.length > 0);
    await roundTrip(there);
    expect(there.reached()).toBe('');
    there.client.write('second');
    await until(() => recorder.slabs.length > 1);
    recorder.makeDurable(1);
    await until(() => there.reached() !== '');
    await roundTrip(there);
    expect('early first second'.startsWith(there.reached())).toBe(true);
    expect(there.reached()).not.toContain('second');
    while (there.reached() !== 'early first second') {
      if (recorder.slabs.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
  });

  it('lets what arrives while two commits are under way share the next one', async () => {
    const there = await stand();
    for (const word of ['a', 'b']) {
      const before = recorder.slabs.length;
      there.client.write(word);
      await until(() => recorder.slabs.length > before);
    }
    const sent = Buffer.alloc(60_000, 'c');
    let taken = 0;
    for (let at = 0; at < sent.length; at += 1_000) {
      there.client.write(sent.subarray(at, at + 1_000));
      await new Promise(setImmediate);
      taken += 1;
    }
    expect(taken).toBe(60);
    expect(recorder.slabs).toHaveLength(2);
    recorder.makeDurable(2);
    await until(() => recorder.slabs.length > 0);
    expect(there.reached().startsWith('ab') || there.reached() === '').toBe(true);
    while (there.reached().length < 60_002) {
      if (recorder.slabs.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
    expect(there.reached()).toBe(`ab${sent.toString()}`);
  });

  it('stops reading a client that sends more than may be held', async () => {
    const there = await stand();
    there.client.write(Buffer.alloc(20 << 20));
    await until(() => recorder.slabs.length > 0);
    for (let turn = 0; turn < 200; turn += 1) await roundTrip(there);
    expect(recorder.slabs.length).toBeLessThan(3);
    while (there.reached().length < 20 << 20) {
      if (recorder.slabs.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
  });

  it('lets what a client sent before it went still reach the target', async () => {
    const there = await stand();
    there.client.end('last words');
    await until(() => recorder.slabs.length > 0);
    expect(there.ended).toEqual([]);
    recorder.makeDurable(1);
    await until(() => there.reached() === 'last words');
    await until(() => there.ended.length > 0);
    expect(there.ended).toEqual(['client']);
  });

  it('never forwards what became durable in vain: the session was ended, and the recording says so', async () => {
    const there = await stand();
    there.client.write('drop table orders');
    await until(() => recorder.slabs.length > 0);
    there.relay.muteClient();
    recorder.makeDurable(1);
    recorder.tapes.handOver();
    const note = Buffer.from(recorder.slabs[0]!.buffer as SharedArrayBuffer).toString('latin1');
    expect(note).toContain('{"note":"not-forwarded","bytes":17}');
    await roundTrip(there);
    expect(there.reached()).toBe('');
  });

  it('never forwards what could not be stored', async () => {
    const there = await stand();
    there.client.write('drop table orders');
    await until(() => recorder.slabs.length > 0);
    const error = { code: 'recording-failed', message: 'no', hint: undefined, detail: undefined } as const;
    recorder.tapes.receive({ kind: 'failed', tape: tape.number, error });
    recorder.makeDurable(1);
    await roundTrip(there);
    expect([there.reached(), failures]).toEqual(['', 1]);
  });
});
