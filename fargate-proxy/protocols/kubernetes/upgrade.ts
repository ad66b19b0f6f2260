/** Carries what a call's connection speaks after a 101: exec, attach, port-forward and WebSockets through `proxy`. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';
import { StreamWatch } from '#core/protocols/kubernetes/streams/watch.ts';
import type { Cut } from '#core/protocols/kubernetes/tape.ts';
import { Stream } from '#core/recording/format.ts';
import type { Side } from '../../dead-peers.ts';
import { Relay } from '../../relay.ts';
import { RawEnd, type StreamBindings } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import type { CallTape } from './call-tape.ts';
import { StreamTape } from './stream-tape.ts';

/** How long an ending call waits for the frame in progress, so that the client can read why it ended. */
const BOUNDARY_WAIT_MS = 1_000;
/** How long a client may take to read them where it looks for them no longer once the connection is over. */
const READ_WORDS_MS = 500;
/** One side has said its last: how long the other may be silent until it counts as gone as well. */
const LAST_WORDS_MS = 10_000;

export interface UpgradeParts {
  /** With what of the stream arrived behind the request's head, and behind the answer's. */
  readonly client: Switched;
  readonly target: Switched;
  /** The target's 101: the client gets its headers as they came. */
  readonly answer: Pick<IncomingMessage, 'statusMessage' | 'rawHeaders'>;
  readonly form: StreamForm;
  readonly records: CallTape;
  readonly call: number;
  readonly memory: RelayMemory;
  readonly bindings: StreamBindings;
  /** Of the target and of clients, as everywhere (dead-peers.ts). */
  readonly userTimeoutMs: { readonly client: number; readonly target: number };
}

/** Whose HTTP is over: node's parser has let go of it, and nobody reads it. */
export interface Switched {
  readonly socket: Socket;
  readonly rest: Uint8Array;
}

export interface Upgraded {
  /** Both sides are told the last, and nothing more is recorded. Never rejects. */
  readonly ended: Promise<UpgradeEnding>;
  readonly sides: readonly Side[];
  /** Tells the client why in the stream's own words, and closes both sides; at once where the recording has failed. */
  end(error: CustodyError): void;
  /** The recorder is behind: nothing is read until it has caught up. */
  wait(): void;
}

export interface UpgradeEnding {
  readonly by: Cut['by'];
  /** Of a command, where the target said it. */
  readonly exitCode?: number;
}

/** Call it in the very turn in which the answer came: nothing that follows it may be lost. */
export function relayUpgrade(parts: UpgradeParts): Upgraded {
  const upgraded = new UpgradedCall(parts);
  upgraded.start();
  return upgraded;
}

class UpgradedCall implements Upgraded {
  readonly sides: readonly Side[];
  readonly #parts: UpgradeParts;
  readonly #client: RawEnd;
  readonly #target: RawEnd;
  readonly #tape: StreamTape;
  readonly #watch: StreamWatch;
  readonly #relay: Relay;
  readonly #done = Promise.withResolvers<UpgradeEnding>();
  #ending: CustodyError | undefined;
  #first: 'client' | 'target' | undefined;
  #wait: NodeJS.Timeout | undefined;
  #lastWords: NodeJS.Timeout | undefined;
  /** What is read of the target is cut at the end of a frame. */
  #cuts = false;
  #said = false;
  #over = false;

  constructor(parts: UpgradeParts) {
    const { client, target, records, call, memory, bindings, form, userTimeoutMs } = parts;
    this.#parts = parts;
    this.sides = [
      { who: 'client', ends: client.socket, userTimeoutMs: userTimeoutMs.client },
      { who: 'target', ends: target.socket, userTimeoutMs: userTimeoutMs.target },
    ];
    this.#client = new RawEnd(client.socket, memory, bindings);
    this.#target = new RawEnd(target.socket, memory, bindings);
    this.#tape = new StreamTape(records, call);
    this.#watch = new StreamWatch(form);
    this.#relay = new Relay({
      client: this.#client,
      target: this.#target,
      tape: this.#tape,
      memory,
      half: 'half-open',
      passes: (bytes, length) => this.#passes(bytes, length),
      onClientBytes: (bytes, length) => this.#clientSaid(bytes, length),
      onTargetBytes: (bytes, length) => this.#targetSaid(bytes, length),
      onEnd: (side) => this.#sideEnded(side),
    });
  }

  get ended(): Promise<UpgradeEnding> {
    return this.#done.promise;
  }

  start(): void {
    const { client, target, answer } = this.#parts;
    this.#relay.start(withWaiting(client), withWaiting(target), switching(answer));
  }

  end(error: CustodyError): void {
    if (this.#ending !== undefined || this.#over) return;
    this.#ending = error;
    this.#relay.muteClient();
    if (this.#watch.maySpeak || error.code === 'recording-failed') return this.#tellAndFinish();
    this.#wait = setTimeout(() => this.#finish(), BOUNDARY_WAIT_MS);
  }

  wait(): void {
    if (!this.#over) this.#tape.wait();
  }

  /** While it ends: the rest of the frame in progress, and nothing behind it. */
  #passes(bytes: Uint8Array, length: number): number {
    this.#cuts = this.#ending !== undefined;
    return this.#cuts ? this.#watch.toBoundary(bytes, length) : length;
  }

  #clientSaid(bytes: Uint8Array, length: number): void {
    this.#lastWords?.refresh();
    this.#watch.fromClient(bytes, length);
  }

  #targetSaid(bytes: Uint8Array, length: number): void {
    this.#lastWords?.refresh();
    // What was read before it ends may go on behind that.
    if (!this.#cuts) this.#watch.fromTarget(bytes, length);
    if (this.#ending !== undefined && this.#watch.maySpeak) this.#tellAndFinish();
  }

  /** The other side still gets all that was said, then that no more will come; and may say the rest of its own. */
  #sideEnded(side: 'client' | 'target'): void {
    if (this.#over) return;
    if (this.#said) return this.#finish();
    this.#tape.end(side);
    if (this.#ending !== undefined) return this.#tellAndFinish();
    if (side === 'target' && this.#hasVanished) return this.#tellAndFinish(targetLost());
    if (this.#first !== undefined && this.#first !== side) return this.#finish();
    this.#first = side;
    const [gone, other] = side === 'client' ? [this.#client, this.#target] : [this.#target, this.#client];
    other.finish(() => {
      if (gone.socket.destroyed || other.socket.destroyed) return this.#finish();
      this.#lastWords = setTimeout(() => this.#finish(), LAST_WORDS_MS);
    });
  }

  /** A command's target says how it ended, whatever happens to the command. */
  get #hasVanished(): boolean {
    const { form } = this.#parts;
    return form.purpose === 'command' && this.#first === undefined && !this.#watch.hasSaidWhy;
  }

  #tellAndFinish(error?: CustodyError): void {
    this.#ending ??= error;
    const goodbye = this.#watch.maySpeak ? this.#watch.goodbye(this.#ending!) : undefined;
    if (goodbye !== undefined) this.#say(goodbye.words);
    if (goodbye?.close === undefined) return this.#finish();
    const { close } = goodbye;
    this.#said = true;
    this.#relay.stop();
    this.#wait = setTimeout(() => {
      this.#say(close);
      this.#finish();
    }, READ_WORDS_MS);
  }

  #say(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#tape.record(Stream.gateway, bytes, bytes.byteLength);
    this.#client.send(bytes);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#wait);
    clearTimeout(this.#lastWords);
    this.#relay.stop();
    if (this.#ending !== undefined) this.#tape.cut(cutBy(this.#ending));
    this.#client.close();
    this.#target.close();
    const { exitCode } = this.#watch;
    this.#done.resolve({
      by: this.#ending === undefined ? (this.#first ?? 'target') : cutBy(this.#ending).by,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }
}

/** What the stream has read already stands before what its handle will. */
function withWaiting({ socket, rest }: Switched): Uint8Array {
  const waiting = socket.readableLength > 0 ? (socket.read() as Buffer | null) : null;
  return waiting === null ? rest : Buffer.concat([rest, waiting]);
}

/** RFC 9110 section 15.2.2: the answer's head as it came. Node has checked that no value has a line's end. */
function switching({ statusMessage, rawHeaders }: UpgradeParts['answer']): Uint8Array {
  const lines = [`HTTP/1.1 101 ${statusMessage ?? 'Switching Protocols'}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function targetLost(): CustodyError {
  return new CustodyError('target-lost', 'the cluster closed the connection unexpectedly', {
    hint: 'the gateway is up; how the command ended is not known: look before you run it again',
  });
}

function cutBy({ code, message }: CustodyError): Cut {
  return { by: code === 'target-lost' ? 'target' : 'gateway', code, message };
}
