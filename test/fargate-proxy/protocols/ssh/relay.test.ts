import { describe, expect, it } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import { infoResponse, request } from '#core/protocols/ssh/auth/messages.ts';
import { about, data, Message } from '#core/protocols/ssh/channels/messages.ts';
import { type DurabilityMode, Stream } from '#core/recording/format.ts';
import type { Leg, LegEars } from '#proxy/protocols/ssh/leg.ts';
import { MessageTape } from '#proxy/protocols/ssh/message-tape.ts';
import { SshRelay } from '#proxy/protocols/ssh/relay.ts';
import type { SessionTape } from '#proxy/recorder/tapes.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import {
  CLIENT,
  confirmation,
  exec,
  OPEN_TERMS,
  open,
  TARGETS,
} from '../../../core/protocols/ssh/channels/stand.ts';

/** Padding, lengths and a MAC. */
const SEAL = 32;

/** A leg without a socket. */
class FakeLeg {
  held = false;
  congested = false;
  reads = false;
  readonly sent: Buffer[] = [];
  unknown = 0;
  readonly transport = { unimplemented: () => (this.unknown += 1) };
  ears!: LegEars;
  drained: (() => void) | undefined;
  listen(ears: LegEars): void {
    this.ears = ears;
  }
  outlet: ((bytes: Uint8Array) => void) | undefined;
  divert(outlet: (bytes: Uint8Array) => void): void {
    this.outlet = outlet;
  }
  send(payload: Uint8Array): void {
    this.sent.push(Buffer.from(payload));
    this.outlet?.(new Uint8Array(payload.length + SEAL));
  }
  cork(): void {}
  uncork(): void {}
  pause(): void {
    this.reads = false;
  }
  resume(): void {
    this.reads = true;
  }
  whenDrained(drained: () => void): void {
    this.drained = drained;
  }
  /** The peer says something. */
  say(...payloads: Uint8Array[]): void {
    this.ears.reading?.();
    for (const payload of payloads) this.ears.message(payload);
    this.ears.read?.();
  }
}

class FakeTape {
  readonly durability: DurabilityMode;
  readonly slab = 1;
  readonly notes: unknown[] = [];
  durable: (() => void) | undefined;
  readonly frames: { readonly stream: number; readonly bytes: Buffer; readonly withheld?: true }[] = [];
  keepsUp = true;
  caughtUp: (() => void) | undefined;
  onRecord: () => void = () => undefined;
  constructor(durability: DurabilityMode = 'windowed') {
    this.durability = durability;
  }
  record(stream: number, bytes: Uint8Array, length: number): boolean {
    this.frames.push({ stream, bytes: Buffer.from(bytes.subarray(0, length)) });
    this.onRecord();
    return this.keepsUp;
  }
  recordWithheld(stream: number, length: number): boolean {
    this.frames.push({ stream, bytes: Buffer.alloc(length), withheld: true });
    return this.keepsUp;
  }
  note(fact: unknown): void {
    this.notes.push(fact);
  }
  whenDurable(durable: () => void): void {
    this.durable = durable;
  }
  onWait(): void {}
  whenCaughtUp(caughtUp: () => void): void {
    this.caughtUp = caughtUp;
  }
}

function running(durability: DurabilityMode = 'windowed') {
  const [client, target, tape] = [new FakeLeg(), new FakeLeg(), new FakeTape(durability)];
  const failures: CustodyError[] = [];
  const ends: string[] = [];
  const relay = new SshRelay({
    client: client as unknown as Leg,
    target: target as unknown as Leg,
    tape: tape as unknown as SessionTape,
    memory: new RelayMemory(),
    terms: OPEN_TERMS,
    claim: () => Promise.resolve(),
    onEnd: (side) => ends.push(side),
    onFailure: (error) => failures.push(error),
  });
  relay.start();
  client.say(open().done());
  target.say(confirmation());
  client.say(exec('cat'));
  target.say(about(Message.success, CLIENT));
  for (const leg of [client, target]) leg.sent.length = 0;
  return { client, target, tape, relay, failures, ends };
}
const [USER, TOKEN] = ['deploy+web-1', 'eyJhbGciOiJFUzI1NiJ9.secret'];
const input = data(TARGETS, Buffer.from('input'));
const output = data(CLIENT, Buffer.from('output'));

describe('the relay of SSH', () => {
  it.each([
    ['a password', request(USER, 'password').boolean(false).string(TOKEN).done()],
    ['a new password', request(USER, 'password').boolean(true).string(TOKEN).string(TOKEN).done()],
    ['of a method that nobody knows', request(USER, 'token@example.com').string(TOKEN).done()],
    ['an answer', infoResponse([TOKEN])],
  ])('security case 15: %s that comes when the login is over is on the tape as zeros', (_, late) => {
    const { client, target, tape } = running();
    const before = tape.frames.length;
    client.say(late);
    const said = Buffer.concat(tape.frames.slice(before).map(({ bytes }) => bytes));
    expect([said.length, said.includes(TOKEN)]).toEqual([4 + late.length, false]);
    expect(target.sent).toEqual([]);
  });

  it('records before it passes on, each message behind its length', () => {
    const { client, target, tape } = running();
    let passedBefore = -1;
    tape.onRecord = () => (passedBefore = target.sent.length);
    client.say(input);
    expect(passedBefore).toBe(0);
    expect(target.sent).toEqual([Buffer.from(input)]);
    expect(tape.frames.at(-1)).toEqual({
      stream: Stream.client,
      bytes: Buffer.concat([Buffer.of(0, 0, 0, input.length), input]),
    });
  });

  it('passes nothing on that ended the session by its being recorded', () => {
    const { client, target, tape, relay } = running();
    tape.onRecord = () => relay.stop();
    client.say(input, input);
    target.say(output);
    expect([client.sent, target.sent]).toEqual([[], []]);
  });

  it('says how much of what the client said never went on, as the tape has it and not as it was sealed', () => {
    const { client, target, tape, relay } = running('write-ahead');
    const before = open().done().length + exec('cat').length;
    target.send(Buffer.from('a word of the gateway'));
    client.say(input, input);
    expect(relay.stop()).toBe(true);
    expect(tape.notes).toEqual([{ note: 'not-forwarded', bytes: before + 2 * input.length }]);
  });

  it('reads nobody while the recorder is behind', () => {
    const { client, target, tape } = running();
    tape.keepsUp = false;
    client.say(input);
    expect([client.reads, target.reads]).toEqual([false, false]);
    tape.keepsUp = true;
    tape.caughtUp!();
    expect([client.reads, target.reads]).toEqual([true, true]);
  });

  it('passes nothing on that is recorded too late until the recorder has caught up, and then in order', () => {
    const { client, target, tape } = running();
    tape.keepsUp = false;
    client.say(input, data(TARGETS, Buffer.from('more')));
    target.say(output);
    expect([client.sent, target.sent]).toEqual([[], []]);
    tape.keepsUp = true;
    tape.caughtUp!();
    expect(client.sent).toEqual([Buffer.from(output)]);
    expect(target.sent).toEqual([input, data(TARGETS, Buffer.from('more'))].map((sent) => Buffer.from(sent)));
  });

  it('says why a session ends though much waits, and how much of what the client said never went on', () => {
    const { client, target, tape, relay } = running();
    tape.keepsUp = false;
    client.say(input);
    target.say(output);
    relay.tell('the session is over');
    relay.stop();
    tape.caughtUp!();
    expect(Buffer.concat(client.sent).toString('latin1')).toContain('the session is over');
    expect(Buffer.concat(client.sent).includes('output')).toBe(false);
    expect(target.sent.filter((sent) => sent.equals(input))).toEqual([]);
    expect(tape.notes).toEqual([{ note: 'not-forwarded', bytes: input.length }]);
  });

  it('tells that a side has ended once what it said last has gone on', () => {
    const { client, target, tape, ends } = running();
    tape.keepsUp = false;
    target.say(output);
    target.ears.ended({ by: 'close' });
    expect(ends).toEqual([]);
    tape.caughtUp!();
    expect([client.sent, ends]).toEqual([[Buffer.from(output)], ['target']]);
  });

  it('waits for the recorder with what is withheld whole, too', () => {
    const { tape } = running();
    tape.recordWithheld = () => false;
    const messages = new MessageTape(tape as unknown as SessionTape);
    const keepsUp = messages.recordWithheld(Stream.client, Buffer.alloc(10), [{ from: 0, to: 10 }]);
    expect(keepsUp).toBe(false);
  });

  it('security case 16: does not read the side whose peer does not read', () => {
    const { client, target } = running();
    client.congested = true;
    target.say(output);
    expect([client.reads, target.reads]).toEqual([true, false]);
    client.congested = false;
    client.drained!();
    expect(target.reads).toBe(true);
  });

  it('does not read what it cannot pass on during a key exchange, but for a side that is in one, too', () => {
    const { client, target } = running();
    client.held = true;
    target.say(output);
    expect([client.reads, target.reads]).toEqual([true, false]);
    target.held = true;
    client.say();
    expect([client.reads, target.reads]).toEqual([true, true]);
    client.held = false;
    target.held = false;
    client.ears.released!();
    expect([client.reads, target.reads]).toEqual([true, true]);
  });

  it('security case 16: bounds what waits for key exchanges that no peer ends', () => {
    const { client, target } = running();
    client.held = true;
    target.held = true;
    const much = data(CLIENT, Buffer.alloc(30_000));
    expect(() => {
      for (let count = 0; count < 2000; count += 1) target.say(much);
    }).toThrow('key exchange');
  });

  it('says of numbers without a meaning that they are not known', () => {
    const { client, target } = running();
    client.say(Uint8Array.of(110, 1, 2));
    expect([client.unknown, target.sent.length]).toEqual([1, 0]);
  });
});

describe('the tape of messages', () => {
  it.each([10, 5000])('has zeros in place of what is withheld, of %i bytes', (length) => {
    const tape = new FakeTape();
    const payload = Buffer.alloc(length, 7);
    new MessageTape(tape as unknown as SessionTape).recordWithheld(Stream.client, payload, [
      { from: 3, to: 6 },
    ]);
    const expected = Buffer.concat([Buffer.alloc(4), payload]);
    expected.writeUInt32BE(length);
    expected.fill(0, 7, 10);
    expect(Buffer.concat(tape.frames.map(({ bytes }) => bytes))).toEqual(expected);
    expect(tape.frames.filter(({ withheld }) => withheld).map(({ bytes }) => bytes.length)).toEqual([3]);
  });

  it.each([10, 2048, 2049, 40_000])('has messages of %i bytes whole', (length) => {
    const tape = new FakeTape();
    const payload = Buffer.alloc(length, 7);
    new MessageTape(tape as unknown as SessionTape).record(Stream.target, payload);
    expect(Buffer.concat(tape.frames.map(({ bytes }) => bytes)).subarray(4)).toEqual(payload);
  });
});
