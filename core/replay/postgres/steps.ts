import { asCustodyError, CustodyError } from '#core/errors.ts';
import { MessageReader, type WireMessage } from '#core/protocols/postgres/messages.ts';
import { readStartup, type StartupPacket } from '#core/protocols/postgres/startup.ts';
import { REPLAY_LIMITS, type ReplayFrame, type ReplayLimits, type Step } from '../step.ts';
import { clientContent, type ServerContent, serverContent } from './contents.ts';
import { Conversation } from './conversation.ts';
import { Login } from './login.ts';

const HEADER_BYTES = 5;

/**
 * A recorded PostgreSQL session in readable steps, each given as soon as it is complete. `frames` hold both directions
 * in the order of time. It never throws for what the bytes are: what does not fit the protocol is a step `damaged`, a
 * frame source that fails with `format-invalid` too; other errors of the source are thrown on. Memory stays within
 * `limits`, whatever the recording holds.
 */
export async function* postgresSteps(
  frames: AsyncIterable<ReplayFrame> | Iterable<ReplayFrame>,
  limits: ReplayLimits = REPLAY_LIMITS,
): AsyncGenerator<Step, void, undefined> {
  const decoder = new Decoder(limits);
  try {
    for await (const frame of frames) yield* decoder.take(frame);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
    yield* decoder.broken(thrown.message);
  }
  yield* decoder.finish();
}

type Side = 'client' | 'target' | 'gateway';

class Decoder {
  readonly #steps: Step[] = [];
  readonly #limits: ReplayLimits;
  readonly #login: Login;
  readonly #conversation: Conversation;
  readonly #readers: Readonly<Record<Side, MessageReader>>;
  readonly #lost = new Set<Side>();
  /** The client's first bytes, until they are its startup packet. */
  #startup: Uint8Array | undefined = new Uint8Array(0);
  #now = 0;
  #terminatedAt: number | undefined;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
    this.#login = new Login(limits);
    this.#conversation = new Conversation(limits, (step) => this.#steps.push(step));
    const reader = (): MessageReader => new MessageReader(limits.message);
    this.#readers = { client: reader(), target: reader(), gateway: reader() };
  }

  take({ stream, timeUs, payload }: ReplayFrame): Step[] {
    this.#now = timeUs;
    if (stream === 'note') this.#note(payload);
    else if (!this.#lost.has(stream)) this.#read(stream, payload);
    return this.#steps.splice(0);
  }

  broken(why: string): Step[] {
    this.#damaged(why);
    return this.#steps.splice(0);
  }

  finish(): Step[] {
    for (const side of ['client', 'target', 'gateway'] as const) {
      const cut = this.#readers[side].incomplete || (side === 'client' && (this.#startup?.length ?? 0) > 0);
      if (cut && !this.#lost.has(side)) this.#damaged(`the recording ends inside a message of the ${side}`);
    }
    this.#add(this.#login.finish(this.#now));
    this.#conversation.finish(this.#now);
    const goodbye =
      this.#terminatedAt === undefined ? 'without a word of the client' : 'the client said goodbye';
    this.#add({ kind: 'end', at: this.#terminatedAt ?? this.#now, took: 0, text: goodbye });
    return this.#steps.splice(0);
  }

  #read(side: Side, payload: Uint8Array): void {
    try {
      const typed = side === 'client' ? this.#afterStartup(payload) : payload;
      this.#readers[side].push(typed);
      for (const message of this.#readers[side]) {
        if (this.#lost.has(side)) return;
        if (side === 'client') this.#clientMessage(message);
        else this.#serverMessage(message);
      }
    } catch (thrown) {
      this.#lose(side, asCustodyError(thrown).message);
    }
  }

  /** What follows the startup packet; nothing while it is not whole. */
  #afterStartup(payload: Uint8Array): Uint8Array {
    if (this.#startup === undefined) return payload;
    const bytes = Buffer.concat([this.#startup, payload]);
    const packet = readStartup(bytes);
    this.#startup = packet === undefined ? bytes : undefined;
    if (packet === undefined) return new Uint8Array(0);
    this.#started(packet);
    return bytes.subarray(packet.byteLength);
  }

  #started(packet: StartupPacket): void {
    if (packet.kind === 'startup') this.#login.begin(packet, this.#now);
    else if (packet.kind === 'cancel') this.#add({ kind: 'cancel', at: this.#now, took: 0 });
    else this.#startup = new Uint8Array(0);
  }

  #clientMessage(wire: WireMessage): void {
    const { message, damage } = clientContent(wire);
    const bytes = wire.length + HEADER_BYTES;
    if (damage !== undefined) this.#damaged(damage);
    if (message === undefined) return;
    if (message.kind === 'terminate') this.#terminatedAt = this.#now;
    else if (message.kind === 'password') this.#login.answered(bytes);
    else if (message.kind === 'unknown') this.#damaged(`unknown message of the client, type ${message.type}`);
    else this.#conversation.client(message, this.#now, bytes);
  }

  #serverMessage(wire: WireMessage): void {
    const { message, damage } = serverContent(wire);
    const bytes = wire.length + HEADER_BYTES;
    if (damage !== undefined) this.#damaged(damage);
    if (message === undefined) return;
    if (message.kind === 'unknown') this.#damaged(`unknown message of the server, type ${message.type}`);
    else if (this.#login.over) this.#conversation.server(message, this.#now, bytes);
    else this.#loginMessage(message, bytes);
  }

  #loginMessage(message: ServerContent, bytes: number): void {
    if (message.kind === 'parameter-status') this.#conversation.setting(message.name, message.value);
    this.#add(this.#login.server(message, this.#now, bytes));
  }

  /** A side fact, a JSON object. */
  #note(payload: Uint8Array): void {
    const note = payload.length > this.#limits.text ? undefined : parseObject(payload);
    if (note === undefined) return this.#damaged('a note that is not a small JSON object');
    this.#add({ kind: note['note'] === 'cancel' ? 'cancel' : 'note', at: this.#now, took: 0, note });
  }

  #lose(side: Side, why: string): void {
    this.#lost.add(side);
    this.#damaged(`${why}; the rest of what the ${side} sent cannot be shown`);
  }

  #damaged(text: string): void {
    this.#add({ kind: 'damaged', at: this.#now, took: 0, text });
  }

  #add(step: Step | undefined): void {
    if (step !== undefined) this.#steps.push(step);
  }
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
