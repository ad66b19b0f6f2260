/** Carries the connection protocol between two legs: on the tape first, then on; in both directions, with back-pressure. */
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { withheldOf } from '#core/protocols/ssh/auth/withheld.ts';
import type { Side } from '#core/protocols/ssh/channels/channel.ts';
import { Connection } from '#core/protocols/ssh/channels/connection.ts';
import type { ConnectionHands } from '#core/protocols/ssh/channels/hands.ts';
import { isConnectionMessage } from '#core/protocols/ssh/channels/messages.ts';
import type { SessionTerms } from '#core/protocols/ssh/channels/terms.ts';
import { violation } from '#core/protocols/ssh/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { HeldBack } from '../../held-back.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import { WriteAhead } from '../../write-ahead.ts';
import type { Leg, LegEnding } from './leg.ts';
import { MessageTape, STREAM_OF } from './message-tape.ts';

/** What may wait for the end of a key exchange while its source is in one, too, and has to be read for that: many windows of OpenSSH. */
const WAITING_MAX = 32 << 20;

export interface SshRelayParts {
  readonly client: Leg;
  readonly target: Leg;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  readonly terms: SessionTerms;
  readonly claim: () => Promise<void>;
  /** One side will say no more; told once a side. */
  readonly onEnd: (side: Side, end: LegEnding) => void;
  /** The session cannot go on, though both sides could. */
  readonly onFailure: (error: CustodyError) => void;
}

export class SshRelay {
  readonly #parts: SshRelayParts;
  readonly #tape: MessageTape;
  readonly #connection: Connection;
  /** In write-ahead mode: what is sealed for the target waits here until it is durable. */
  readonly #ahead: WriteAhead | undefined;
  readonly #heldBack = new HeldBack();
  /** The recorder is too far behind. */
  #late = false;
  #telling = false;
  #waiting = 0;
  /** Bytes of the client's messages that its target's transport has, and has not sealed. */
  #unsealed = 0;
  #over = false;

  constructor(parts: SshRelayParts) {
    this.#parts = parts;
    const { terms, tape, target, memory } = parts;
    this.#tape = new MessageTape(tape);
    this.#connection = new Connection(terms, this.#hands());
    if (tape.durability === 'write-ahead') this.#ahead = new WriteAhead(target.end, tape, memory);
  }

  /** Channels that are open or being opened. */
  get channels(): number {
    return this.#connection.channels;
  }

  start(): void {
    const { client, target, tape } = this.#parts;
    const ahead = this.#ahead;
    // Sealed at once and held as it is: the target's transport goes on counting while its packets wait.
    if (ahead !== undefined)
      target.divert((bytes) => {
        ahead.hold(bytes, this.#unsealed);
        this.#unsealed = 0;
      });
    tape.onWait(() => this.#waitForRecorder());
    this.#listen('client', client, target);
    this.#listen('target', target, client);
    this.#heed();
  }

  /** Tells the client why the session ends, where it runs something: before what waits for the recorder, which goes nowhere now. */
  tell(words: string): void {
    if (this.#over) return;
    this.#telling = true;
    this.#late = false;
    this.#heldBack.drop('client');
    this.#connection.tell(words);
  }

  /** Nothing passes any more. True when something of the client's is kept from the target: its leg can say nothing more. */
  stop(): boolean {
    if (this.#over) return false;
    this.#connection.end();
    this.#over = true;
    const keeps = this.#ahead?.empty === false;
    const sealed = this.#ahead === undefined ? 0 : this.#ahead.drop() + this.#unsealed;
    const dropped = sealed + this.#heldBack.drop('target');
    if (dropped > 0) this.#tape.note({ note: 'not-forwarded', bytes: dropped });
    return keeps;
  }

  /** Calls `sent` once what the client said has gone to the target. */
  whenSent(sent: () => void): void {
    this.#heldBack.whenPassed(() => {
      if (this.#ahead === undefined) sent();
      else this.#ahead.whenEmpty(sent);
    });
  }

  #listen(side: Side, source: Leg, sink: Leg): void {
    source.listen({
      reading: () => sink.cork(),
      read: () => {
        sink.uncork();
        this.#heed();
      },
      message: (payload) => this.#message(side, source, payload),
      released: () => {
        this.#waiting = 0;
        this.#heed();
      },
      ended: (end) => this.#heldBack.whenPassed(() => this.#parts.onEnd(side, end)),
    });
  }

  #message(side: Side, source: Leg, payload: Uint8Array): void {
    if (this.#over) return;
    // RFC 4252 section 5.1: authentication is over, and what still comes of it is passed over.
    if (payload[0]! < 80) return side === 'client' ? this.#recordLate(payload) : undefined;
    if (!isConnectionMessage(payload[0]!)) {
      this.#record(side, payload);
      return source.transport.unimplemented();
    }
    if (side === 'client') this.#connection.fromClient(payload);
    else this.#connection.fromTarget(payload);
  }

  #hands(): ConnectionHands {
    const { claim, onFailure } = this.#parts;
    return {
      record: (side, payload, withheld) => {
        if (withheld === undefined) this.#record(side, payload);
        else this.#behind(this.#tape.recordWithheld(STREAM_OF[side], payload, withheld));
      },
      pass: (to, payload) => this.#pass(to, payload, payload.length),
      say: (payload) => {
        this.#behind(this.#tape.record(Stream.gateway, payload));
        this.#pass('client', payload);
      },
      ask: (payload) => this.#pass('target', payload),
      note: (fact) => this.#tape.note(fact),
      claim: () => claim().catch((error: unknown) => Promise.reject(asCustodyError(error))),
      end: (error) => onFailure(asCustodyError(error)),
      resumed: () => this.#heed(),
    };
  }

  /** A client that did not wait may still send its token: what is a secret before the login's end is one after it (security case 15). */
  #recordLate(payload: Uint8Array): void {
    const secret = withheldOf(payload);
    if (secret === undefined) this.#record('client', payload);
    else this.#behind(this.#tape.recordWithheld(Stream.client, payload, [secret]));
  }

  #record(side: Side, payload: Uint8Array): void {
    this.#behind(this.#tape.record(STREAM_OF[side], payload));
  }

  /** Recording may just have ended the session: then nothing goes on. `said`: how much of it is the other side's. */
  #pass(to: Side, payload: Uint8Array, said = 0): void {
    if (this.#over) return;
    if (this.#late) return this.#heldBack.keep(to, payload, (kept) => this.#pass(to, kept, said), said);
    const sink = this.#parts[to];
    if (sink.held && (this.#waiting += payload.length) > WAITING_MAX)
      throw violation('too much waits for the end of a key exchange');
    if (to === 'target') this.#unsealed += said;
    sink.send(payload);
  }

  #behind(keepsUp: boolean): void {
    if (!keepsUp && !this.#telling) this.#waitForRecorder();
  }

  #waitForRecorder(): void {
    if (this.#late) return;
    this.#late = true;
    this.#parts.tape.whenCaughtUp(() => {
      this.#late = false;
      this.#release();
      this.#heed();
    });
    this.#heed();
  }

  #release(): void {
    const { client, target } = this.#parts;
    for (const leg of [client, target]) leg.cork();
    try {
      this.#heldBack.release();
    } catch (thrown) {
      this.#parts.onFailure(asCustodyError(thrown));
    }
    for (const leg of [client, target]) leg.uncork();
  }

  /** Reads each side, or does not. Whatever was in the way comes back here when it is gone. */
  #heed(): void {
    if (this.#over) return;
    const { client, target } = this.#parts;
    this.#steer(client, target, this.#connection.holds || this.#isAheadFull());
    this.#steer(target, client, false);
  }

  #steer(source: Leg, sink: Leg, waits: boolean): void {
    const { congested } = sink;
    if (congested) sink.whenDrained(() => this.#heed());
    // A side in a key exchange of its own is read even while the other is in one: else each could wait for the other.
    const held = sink.held && !source.held;
    if (congested || held || waits || this.#late) source.pause();
    else source.resume();
  }

  #isAheadFull(): boolean {
    const ahead = this.#ahead;
    if (ahead?.full !== true) return false;
    ahead.whenRoom(() => this.#heed());
    return true;
  }
}
