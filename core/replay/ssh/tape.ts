/** From the frames of a recording to what they say (FORMAT.md). */
import { asCustodyError } from '#core/errors.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import * as M from '#core/protocols/ssh/channels/messages.ts';
import { readUint32, type SshReader } from '#core/protocols/ssh/wire.ts';
import type { ReplayFrame } from '../step.ts';
import type { Range } from '../tally.ts';
import type { ShownAddress, SshReplayLimits } from './step.ts';
import { TapeChannels } from './tape-channels.ts';
import type {
  ChannelTapeRequest,
  ListenRequest,
  Note,
  Side,
  Speaker,
  SshEvent,
  TapeChannel,
  TapeRequest,
} from './tape-events.ts';
import { type TapeMessage, TapeMessages } from './tape-messages.ts';
import { requestDetail } from './tape-requests.ts';

const { Message } = M;
/** User authentication (RFC 4250 section 4.1.1). */
const AUTH_FIRST = 50;
const NOTE_MAX = 64 << 10;
const SPEAKERS = ['client', 'target', 'gateway'] as const satisfies readonly Speaker[];

/** What a note may be about: that which was said just before it. */
interface Asked {
  readonly by: Side;
  readonly name: string;
  readonly refuse: (words: string) => readonly SshEvent[];
}

/** Reads a tape. What it keeps is bounded by the limits. */
export class SshTape {
  readonly #streams: Record<Speaker, TapeMessages>;
  readonly #channels: TapeChannels;
  readonly #pending: number;
  readonly #globals: ListenRequest[] = [];
  #closing: TapeChannel | undefined;
  #asked: Asked | undefined;
  #now = 0;

  constructor({ message, channels, pending }: Pick<SshReplayLimits, 'message' | 'channels' | 'pending'>) {
    const messages = (): TapeMessages => new TapeMessages(message);
    this.#streams = { client: messages(), target: messages(), gateway: messages() };
    this.#channels = new TapeChannels({ channels, pending });
    this.#pending = pending;
  }

  /** Take each event before the next: its bytes are views. Never throws for what the bytes are. */
  *take({ stream, payload, timeUs, withheld }: ReplayFrame): Generator<SshEvent> {
    this.#now = timeUs;
    if (stream === 'note') return yield* this.#note(payload);
    yield* this.#closed();
    const messages = this.#streams[stream];
    if (messages.lost) return;
    for (const message of messages.take(payload, withheld)) yield* this.#message(stream, message);
    if (messages.lost)
      yield damaged(`a message of the ${stream} has a length that none has; the rest of it cannot be shown`);
  }

  /** Nothing follows. */
  *finish(): Generator<SshEvent> {
    yield* this.#closed();
  }

  /** Streams that end within a message. */
  get cutOff(): readonly Speaker[] {
    return SPEAKERS.filter((speaker) => this.#streams[speaker].incomplete);
  }

  /** A channel is over once its last notes are read: they follow its CLOSE. */
  *#closed(): Generator<SshEvent> {
    const channel = this.#closing;
    this.#closing = undefined;
    if (channel !== undefined) yield { kind: 'closed', channel };
  }

  *#message(by: Speaker, { payload, withheld }: TapeMessage): Generator<SshEvent> {
    yield* this.#closed();
    this.#asked = undefined;
    try {
      if (payload[0]! >= M.FIRST) yield* this.#connection(by, payload, withheld);
      else if (payload[0]! >= AUTH_FIRST && by !== 'target') yield { kind: 'auth', by, payload };
      else yield damaged(`message ${payload[0]} of the ${by}, which no recording has`);
    } catch (thrown) {
      yield damaged(`message ${payload[0]} of the ${by}: ${asCustodyError(thrown).message}`);
    }
  }

  #connection(by: Speaker, payload: Uint8Array, withheld: readonly Range[]): Iterable<SshEvent> {
    switch (payload[0]) {
      case Message.data:
      case Message.extendedData:
        return [this.#data(by, payload, withheld)];
      case Message.open:
        return by === 'gateway' ? [] : this.#open(by, payload);
      case Message.confirmation:
        return this.#confirmed(by, payload);
      case Message.openFailure:
        return [this.#failed(by, payload)];
      case Message.close:
        return this.#close(by, payload);
      case Message.request:
        return by === 'client' ? this.#requested(payload) : this.#told(by, payload);
      case Message.success:
      case Message.failure:
        return by === 'client' ? [] : this.#answered(by, payload);
      case Message.globalRequest:
        return by === 'gateway' ? [] : this.#global(by, payload);
      case Message.requestSuccess:
      case Message.requestFailure:
        return by === 'client' ? [] : this.#globalAnswered(by, payload);
      default:
        // Windows, EOF, and what nobody knows say nothing of what was done.
        return [];
    }
  }

  #data(by: Speaker, payload: Uint8Array, withheld: readonly Range[]): SshEvent {
    const error = payload[0] === Message.extendedData;
    const channel = this.#channels.of(by, M.recipientOf(payload));
    const bytes = M.dataOf(payload);
    const from = payload.length - bytes.length;
    return { kind: 'data', channel, by, error, bytes, withheld: withinData(withheld, from) };
  }

  *#open(by: Side, payload: Uint8Array): Generator<SshEvent> {
    const { type, sender, reader } = M.readOpen(payload);
    const facts = { type, at: this.#now, ...addresses(type, reader) };
    const { channel, forgotten } = this.#channels.open(by, sender, facts);
    if (forgotten !== undefined) yield failedOpen(forgotten, 'gateway', 0, 'nobody answered it on the tape');
    yield { kind: 'open', channel };
    const refuse = (words: string): readonly SshEvent[] => {
      // The gateway's answer to the client follows in its stream; what it tells the target is not recorded.
      if (by === 'client') return [];
      this.#channels.fail(by, sender);
      return [failedOpen(channel, 'gateway', M.OpenFailure.prohibited, words)];
    };
    this.#asked = { by, name: type, refuse };
  }

  #confirmed(by: Speaker, payload: Uint8Array): readonly SshEvent[] {
    const { recipient, sender } = M.readConfirmation(payload);
    if (by !== 'gateway') this.#channels.confirm(by, recipient, sender);
    return [];
  }

  #failed(by: Speaker, payload: Uint8Array): SshEvent {
    const opener = by === 'client' ? 'target' : 'client';
    const channel = this.#channels.fail(opener, M.recipientOf(payload));
    const code = payload.length < 9 ? 0 : readUint32(payload, 5);
    return failedOpen(channel, by, code, failureWords(payload));
  }

  #close(by: Speaker, payload: Uint8Array): readonly SshEvent[] {
    const channel = this.#channels.of(by, M.recipientOf(payload));
    if (by !== 'gateway' && this.#channels.close(by, channel)) this.#closing = channel;
    return [];
  }

  *#requested(payload: Uint8Array): Generator<SshEvent> {
    const read = M.readChannelRequest(payload);
    const channel = this.#channels.of('client', read.recipient);
    const { name, wantReply } = read;
    const request: ChannelTapeRequest = { name, at: this.#now, wantReply, detail: requestDetail(read) };
    if (wantReply) this.#channels.asked(read.recipient, request);
    yield { kind: 'request', channel, request };
    this.#asked = {
      by: 'client',
      name,
      refuse: (words) => {
        deny(request, words);
        return wantReply ? [] : [{ kind: 'answer', channel, request }];
      },
    };
  }

  #told(by: 'target' | 'gateway', payload: Uint8Array): readonly SshEvent[] {
    const read = M.readChannelRequest(payload);
    const channel = this.#channels.of(by, read.recipient);
    return [{ kind: 'told', channel, by, name: read.name, detail: requestDetail(read) }];
  }

  #answered(by: 'target' | 'gateway', payload: Uint8Array): readonly SshEvent[] {
    const recipient = M.recipientOf(payload);
    const channel = this.#channels.of(by, recipient);
    const request = this.#channels.answered(by, recipient);
    if (request === undefined) return [damaged(`the ${by} answers what nobody asked`)];
    settle(request, by, payload[0] === Message.success);
    return [{ kind: 'answer', channel, request }];
  }

  *#global(by: Side, payload: Uint8Array): Generator<SshEvent> {
    const { name, wantReply, reader } = M.readGlobalRequest(payload);
    if (by === 'target') return;
    const listens = name === 'tcpip-forward' || name === 'cancel-tcpip-forward';
    const listen = listens ? { host: reader.words(), port: reader.uint32() } : undefined;
    const request: ListenRequest = { name, at: this.#now, wantReply, ...(listen && { listen }) };
    if (wantReply) {
      if (this.#globals.length >= this.#pending) return yield damaged('more requests than anybody lets wait');
      this.#globals.push(request);
    }
    yield { kind: 'global', request };
    this.#asked = {
      by,
      name,
      refuse: (words) => {
        deny(request, words);
        return wantReply ? [] : [{ kind: 'global-answer', request }];
      },
    };
  }

  /** The gateway's own questions to the target are not recorded, nor are their answers. */
  #globalAnswered(by: 'target' | 'gateway', payload: Uint8Array): readonly SshEvent[] {
    const request = this.#globals.shift();
    if (request === undefined) return [];
    settle(request, by, payload[0] === Message.requestSuccess);
    if (request.listen?.port === 0 && request.answer === 'accepted' && payload.length >= 5)
      request.listen.port = readUint32(payload, 1);
    return [{ kind: 'global-answer', request }];
  }

  *#note(payload: Uint8Array): Generator<SshEvent> {
    const note = noteOf(payload);
    const number = note?.['channel'];
    const isOfClosing = this.#closing !== undefined && number === this.#closing.client;
    const channel = isOfClosing
      ? this.#closing
      : typeof number === 'number'
        ? this.#channels.named(number)
        : undefined;
    if (!isOfClosing) yield* this.#closed();
    if (note === undefined) return yield damaged('a note that is not a small JSON object');
    const asked = this.#asked;
    this.#asked = undefined;
    const { words } = note;
    if (
      note.note === 'ssh-refused' &&
      asked !== undefined &&
      asked.by === note['by'] &&
      asked.name === note['name'] &&
      typeof words === 'string'
    )
      return yield* asked.refuse(words);
    yield channel === undefined ? { kind: 'note', note } : { kind: 'note', note, channel };
  }
}

function settle(request: TapeRequest, by: 'target' | 'gateway', success: boolean): void {
  // The gateway answers only what it refuses; with a success where it then says why.
  request.answer ??= by === 'gateway' ? 'denied' : success ? 'accepted' : 'refused';
}

function deny(request: TapeRequest, words: string): void {
  request.answer = 'denied';
  request.words = words;
}

function failedOpen(channel: TapeChannel, by: Speaker, code: number, message: string): SshEvent {
  return { kind: 'open-failed', channel, by, code, message };
}

function failureWords(payload: Uint8Array): string {
  const at = 9;
  if (payload.length < at + 4) return '';
  const length = Math.min(readUint32(payload, at), payload.length - at - 4);
  return Buffer.from(payload.subarray(at + 4, at + 4 + length)).toString('utf8');
}

function withinData(ranges: readonly Range[], from: number): readonly Range[] {
  if (ranges.length === 0) return ranges;
  return ranges
    .filter(({ to }) => to > from)
    .map((range) => ({ from: Math.max(0, range.from - from), to: range.to - from }));
}

/** Where a channel leads, and who connected (RFC 4254 sections 6.3.2 and 7.2; OpenSSH's PROTOCOL, 2.4). */
function addresses(type: string, reader: SshReader): { to?: ShownAddress; from?: ShownAddress } {
  const address = (): ShownAddress => ({ host: reader.words(), port: reader.uint32() });
  switch (type) {
    case 'direct-tcpip':
    case 'forwarded-tcpip':
      return { to: address(), from: address() };
    case 'x11':
      return { from: address() };
    case 'direct-streamlocal@openssh.com':
    case 'forwarded-streamlocal@openssh.com':
      return { to: { host: reader.words() } };
    default:
      return {};
  }
}

function noteOf(payload: Uint8Array): Note | undefined {
  try {
    const value = parseJsonBytes(payload, NOTE_MAX);
    return isJsonObject(value) && typeof value['note'] === 'string' ? (value as Note) : undefined;
  } catch {
    return undefined;
  }
}

function damaged(text: string): SshEvent {
  return { kind: 'damaged', text };
}
