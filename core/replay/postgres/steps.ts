import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { StartupPacket } from '#core/protocols/postgres/startup.ts';
import { type Ending, endingWords } from '../ending.ts';
import type { ReplayFrame } from '../step.ts';
import { CLIENT, type ClientContent, SERVER, type ServerContent } from './contents.ts';
import { Conversation, type Waiting } from './conversation.ts';
import { Login } from './login.ts';
import { type ReadMessage, SideReader } from './side-reader.ts';
import { type RecordedStartup, readRecordedStartup } from './startup.ts';
import { REPLAY_LIMITS, type ReplayLimits, type Step } from './step.ts';
import type { Tap } from './tap.ts';
import { Texts } from './texts.ts';

/**
 * A recorded PostgreSQL session in readable steps, each given as soon as it is complete and its texts are certain. `frames` hold
 * both directions in the order of time; `ending` is asked at their end. It never throws for what the bytes are: what does not fit
 * the protocol is a step `damaged`, a frame source that fails with `format-invalid` too; other errors of the source are thrown on.
 * Memory stays within `limits`, whatever the recording holds. `tap` is told more than steps keep, each step too before it is given.
 */
export async function* postgresSteps(
  frames: AsyncIterable<ReplayFrame> | Iterable<ReplayFrame>,
  limits: ReplayLimits = REPLAY_LIMITS,
  ending: () => Ending | undefined = () => undefined,
  tap?: Tap,
): AsyncGenerator<Step, void, undefined> {
  const decoder = new SessionDecoder(limits, tap);
  try {
    for await (const frame of frames) yield* decoder.take(frame);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
    yield* decoder.broken(thrown.message);
  }
  yield* decoder.finish(ending());
}

type Side = 'client' | 'target' | 'gateway';

/** The same for whoever gives it frames by hand. */
export class SessionDecoder {
  #steps: Step[] = [];
  readonly #tap: Tap | undefined;
  readonly #limits: ReplayLimits;
  readonly #texts: Texts;
  readonly #login: Login;
  readonly #conversation: Conversation;
  readonly #client: SideReader<ClientContent>;
  readonly #servers: Readonly<Record<'target' | 'gateway', SideReader<ServerContent>>>;
  readonly #lost = new Set<Side>();
  /** The client's first bytes, until they are its startup packet. */
  #startup: Uint8Array | undefined = new Uint8Array(0);
  #now = 0;
  #terminatedAt: number | undefined;

  constructor(limits: ReplayLimits, tap?: Tap) {
    this.#limits = limits;
    this.#tap = tap;
    this.#texts = new Texts(limits);
    this.#login = new Login(this.#texts);
    this.#conversation = new Conversation(limits, (step) => this.#complete(step), this.#texts, tap);
    const copied = (by: 'client' | 'server') => tap && ((bytes: Uint8Array) => tap.copied(by, bytes));
    this.#client = new SideReader(CLIENT, limits, copied('client'));
    this.#servers = {
      target: new SideReader(SERVER, limits, copied('server')),
      gateway: new SideReader(SERVER, limits),
    };
  }

  get isLoggedIn(): boolean {
    return this.#login.over;
  }

  get waiting(): Waiting {
    return this.#conversation.waiting;
  }

  /** Steps that are complete and certain. */
  take({ stream, timeUs, payload }: ReplayFrame): Step[] {
    this.#now = timeUs;
    if (stream === 'note') this.#note(payload);
    else if (!this.#lost.has(stream)) this.#read(stream, payload);
    return this.#texts.isProvisional ? [] : this.#taken();
  }

  broken(why: string): Step[] {
    this.#damaged(why);
    return [];
  }

  finish(ending: Ending | undefined): Step[] {
    const cut = this.#cutOff();
    this.#add(this.#login.finish(this.#now));
    this.#conversation.finish(this.#now);
    this.#texts.ready('I');
    const words = [this.#goodbye(ending), ...cut].join('; ');
    this.#add({ kind: 'end', at: this.#terminatedAt ?? this.#now, took: 0, text: words });
    return this.#taken();
  }

  #taken(): Step[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  #goodbye(ending: Ending | undefined): string {
    if (ending !== undefined) return endingWords(ending);
    return this.#terminatedAt === undefined ? 'the recording ends here' : 'the client said goodbye';
  }

  /** What came of messages that were never whole, in words; it is shown as far as it goes. */
  #cutOff(): string[] {
    const words: string[] = [];
    if ((this.#startup?.length ?? 0) > 0 && !this.#lost.has('client'))
      words.push('in the middle of the startup packet');
    for (const side of ['client', 'target', 'gateway'] as const) {
      const reader = side === 'client' ? this.#client : this.#servers[side];
      if (!reader.incomplete || this.#lost.has(side)) continue;
      words.push(`in the middle of a message of the ${side}${reader.progress}`);
      if (side !== 'client') this.#cutServer(side);
      else for (const message of this.#client.unfinished()) this.#clientMessage(message);
    }
    return words;
  }

  #cutServer(side: 'target' | 'gateway'): void {
    for (const message of this.#servers[side].unfinished()) this.#serverMessage(message, side);
  }

  #read(side: Side, payload: Uint8Array): void {
    try {
      if (side !== 'client') this.#readServer(side, payload);
      else
        for (const message of this.#client.read(this.#afterStartup(payload))) {
          if (this.#lost.has(side)) return;
          this.#clientMessage(message);
        }
    } catch (thrown) {
      this.#lose(side, asCustodyError(thrown).message);
    }
  }

  /** The gateway has the last word: what the target did not say to its end it does not go on with. */
  #readServer(side: 'target' | 'gateway', payload: Uint8Array): void {
    if (side === 'gateway' && this.#login.over && this.#servers.target.incomplete) this.#cutServer('target');
    for (const message of this.#servers[side].read(payload)) this.#serverMessage(message, side);
  }

  /** What follows the startup packet; nothing while it is not whole. */
  #afterStartup(payload: Uint8Array): Uint8Array {
    if (this.#startup === undefined) return payload;
    const bytes = Buffer.concat([this.#startup, payload]);
    const packet = readRecordedStartup(bytes);
    this.#startup = packet === undefined ? bytes : undefined;
    if (packet === undefined) return new Uint8Array(0);
    this.#started(packet);
    return bytes.subarray(packet.byteLength);
  }

  #started(packet: RecordedStartup | Exclude<StartupPacket, { kind: 'startup' }>): void {
    if (packet.kind === 'startup') this.#login.begin(packet, this.#now);
    else if (packet.kind === 'cancel') this.#add({ kind: 'cancel', at: this.#now, took: 0 });
    else this.#startup = new Uint8Array(0);
  }

  #clientMessage({ message, damage, bytes }: ReadMessage<ClientContent>): void {
    if (damage !== undefined) this.#damaged(damage);
    if (message === undefined) return;
    if (message.kind === 'terminate') this.#terminatedAt = this.#now;
    else if (message.kind === 'password') this.#login.answered(bytes);
    else if (message.kind === 'unknown') this.#damaged(`unknown message of the client, type ${message.type}`);
    else this.#conversation.client(message, this.#now, bytes);
  }

  #serverMessage(
    { message: said, damage, bytes }: ReadMessage<ServerContent>,
    side: 'target' | 'gateway',
  ): void {
    if (damage !== undefined) this.#damaged(damage);
    if (said === undefined) return;
    this.#tap?.said(side);
    const message = side === 'gateway' ? this.#ofGateway(said) : said;
    if (message.kind === 'unknown') this.#damaged(`unknown message of the server, type ${message.type}`);
    else if (this.#login.over) this.#conversation.server(message, this.#now, bytes);
    else this.#loginMessage(message, bytes);
    if (message.kind === 'ready-for-query') this.#texts.ready(message.status);
  }

  #loginMessage(message: ServerContent, bytes: number): void {
    this.#add(this.#login.server(message, this.#now, bytes));
    if (message.kind === 'parameter-status') this.#conversation.setting(message);
  }

  /** What the gateway says itself is UTF-8, whatever the session's encoding is. */
  #ofGateway(message: ServerContent): ServerContent {
    if (message.kind !== 'error' && message.kind !== 'notice') return message;
    const fields = [...message.fields].map(([letter, value]) => [letter, this.#texts.utf8(value)] as const);
    return { ...message, fields: new Map(fields) };
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

  #complete(step: Step): void {
    this.#texts.ran(step);
    this.#add(step);
  }

  #add(step: Step | undefined): void {
    if (step === undefined) return;
    this.#steps.push(step);
    this.#tap?.step(step);
  }
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = parseJson(Buffer.from(bytes).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
