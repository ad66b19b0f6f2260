import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import { LINGER_MS } from './farewell.ts';
import type { Block, RelayMemory } from './relay-memory.ts';

/*
 * After the login, node's streams cost more than the relay itself (a third of the CPU of small queries). A RawEnd takes
 * a socket's handle over and reads and writes it directly, through `process.binding('stream_wrap')`: an old door into
 * node that is documented as deprecated (DEP0111), open in node 24, and closed to nobody by the permission model here.
 * The node version is pinned and `streamBindings` fails loudly if the door is gone.
 */
interface Handle {
  reading: boolean;
  readonly writeQueueSize: number;
  onread: (this: Handle) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

interface WriteRequest {
  /** Called when an asynchronous write is done; node skips a call into JavaScript for a request without it. */
  oncomplete?: (this: WriteRequest, status: number) => void;
  /** Keeps the bytes of an asynchronous write alive. */
  buffer?: Uint8Array;
}

export interface StreamBindings {
  readonly WriteWrap: new () => WriteRequest;
  /** [0] bytes read or error, [2] bytes written, [3] last write was asynchronous. */
  readonly streamBaseState: Int32Array;
}

/** Throws `internal` when this node does not have them. */
export function streamBindings(): StreamBindings {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamBindings> };
  const found = binding?.call(process, 'stream_wrap');
  if (typeof found?.WriteWrap === 'function' && found.streamBaseState instanceof Int32Array) {
    return { WriteWrap: found.WriteWrap, streamBaseState: found.streamBaseState };
  }
  throw new CustodyError('internal', `this node (${process.version}) cannot run the gateway`, {
    hint: 'start it with the node version that package.json pins',
    detail: "process.binding('stream_wrap') lacks WriteWrap or streamBaseState",
  });
}

/** libuv's, the same everywhere. */
const EOF = -4095;
const READ_OR_ERROR = 0;
const WRITE_WAS_ASYNC = 3;
/** Unsent bytes beyond which the other side stops reading. */
const CONGESTED_BYTES = 64 << 10;
/** Of what a peer still sends after its session's end, this much is read and forgotten: see farewell.ts. */
const UNHEARD_BYTES = 1 << 20;

/** One side of a relay: a socket after its login, read into shared memory and written without copies. */
export class RawEnd {
  readonly socket: Socket;
  readonly #handle: Handle;
  readonly #memory: RelayMemory;
  readonly #bindings: StreamBindings;
  /** OpenSSL copies what it is given; a plain socket may still need the bytes when `write` returns. */
  readonly #copies: boolean;
  /** Of the write in flight, or of the last one. */
  #request: WriteRequest | undefined;
  /** The write in flight will call `#written`. */
  #awaited = false;
  /** Bytes that came while a write was in flight. */
  #queue: Block[] = [];
  #queuedBytes = 0;
  /** The memory of the write in flight, of a plain socket. */
  #inFlight: Block | undefined;
  #lastWritten = 0;
  #onBytes: (length: number) => void = () => undefined;
  #onEnd: () => void = () => undefined;
  #onDrained: (() => void) | undefined;
  /** Says goodbye, which nobody who waits takes the place of. */
  #onAllSent: (() => void) | undefined;
  #ended = false;
  /** Of a half-open one: the peer has said that no more will come, and may still be told something. */
  #heardAll = false;
  #halfOpen = false;
  #closing = false;
  #sayingGoodbye = false;

  constructor(socket: Socket, memory: RelayMemory, bindings: StreamBindings) {
    this.socket = socket;
    this.#memory = memory;
    this.#bindings = bindings;
    this.#copies = socket instanceof TLSSocket;
    this.#handle = (socket as unknown as { _handle: Handle })._handle;
  }

  /**
   * Takes the socket over. `onBytes(n)`: n bytes are in the shared read buffer, until it returns. `onEnd`: no more will
   * come; told once. The caller has taken what the stream had buffered, and waited for what it had written. `half-open`: a peer
   * that has said its last may still be written to, until `close`.
   */
  start(onBytes: (length: number) => void, onEnd: () => void, half?: 'half-open'): void {
    this.#halfOpen = half !== undefined;
    this.#onBytes = onBytes;
    this.#onEnd = onEnd;
    this.socket.removeAllListeners('readable').removeAllListeners('end');
    this.socket.on('close', () => this.#end());
    this.socket.on('error', () => this.#end());
    if (this.socket.destroyed || this.#handle === null) return this.#end();
    this.#handle.useUserBuffer(this.#memory.read);
    this.#handle.onread = () => this.#readable();
    this.resume();
  }

  /** Writes bytes that stay as they are. */
  send(bytes: Uint8Array): void {
    if (this.#busy) this.#enqueue(bytes);
    else this.#write(bytes);
  }

  /** Writes bytes that may change once this returns. Costs no garbage, and at the most a copy into memory that is used again. */
  sendCopy(bytes: Uint8Array): void {
    if (this.#copies && !this.#busy) this.#write(bytes);
    else this.#enqueue(bytes);
  }

  /** Writes what is in the block, and gives the block back. */
  sendBlock(block: Block): void {
    this.#queuedBytes += block.used;
    this.#queue.push(block);
    if (this.#busy) this.#await();
    else this.#writeQueue();
  }

  get congested(): boolean {
    return this.#queuedBytes + this.#lastWritten > CONGESTED_BYTES && this.#busy;
  }

  /** Calls `drained` once everything written has been taken by the kernel. */
  whenDrained(drained: () => void): void {
    if (!this.#busy) return drained();
    this.#onDrained = drained;
    this.#await();
  }

  pause(): void {
    if (this.#ended || this.#heardAll || !this.#handle.reading) return;
    this.#handle.reading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#ended || this.#heardAll || this.#handle.reading) return;
    this.#handle.reading = true;
    if (this.#handle.readStart() !== 0) this.#end();
  }

  /** Sends what is still unsent, then that no more will come; calls `finished`. What the peer still says is read as before. */
  finish(finished: () => void): void {
    if (this.#ended) return finished();
    this.#whenAllSent(() => {
      this.#sayingGoodbye = true;
      this.socket.end();
      finished();
    });
  }

  /**
   * Sends what is still unsent, then says goodbye and waits a little for the peer to do the same. Of what it still says, a
   * little is read and forgotten.
   */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    let heard = 0;
    this.#onBytes = (length) => {
      heard += length;
      if (heard > UNHEARD_BYTES) this.pause();
    };
    const linger = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.socket.once('close', () => clearTimeout(linger));
    if (this.#ended) return void this.socket.destroy();
    this.#whenAllSent(() => {
      this.#sayingGoodbye = true;
      if (this.#heardAll) this.socket.end(() => this.socket.destroy());
      else this.socket.end();
    });
    this.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #whenAllSent(sent: () => void): void {
    if (!this.#busy) return sent();
    this.#onAllSent = sent;
    this.#await();
  }

  #readable(): void {
    const read = this.#bindings.streamBaseState[READ_OR_ERROR]!;
    if (read > 0) this.#onBytes(read);
    else if (read === EOF && this.#halfOpen) this.#hearAll();
    else if (read < 0) this.#end();
  }

  /** node's TLS takes one write at a time: what comes while one is in flight is queued and goes out together. */
  get #busy(): boolean {
    return this.#awaited || (this.#copies && this.#handle.writeQueueSize > 0);
  }

  /**
   * A request is used again once its write is over. It carries a completion only while somebody waits for one: with
   * TLS every write completes later, and telling JavaScript so costs as much as the write.
   */
  #write(bytes: Uint8Array): void {
    if (this.#ended || this.#sayingGoodbye) return;
    this.#request ??= new this.#bindings.WriteWrap();
    this.#lastWritten = bytes.byteLength;
    if (this.#handle.writeBuffer(this.#request, bytes) !== 0) return this.#end();
    if (this.#bindings.streamBaseState[WRITE_WAS_ASYNC] === 0) return;
    // A TLS write shows in the queue until it is over, unless OpenSSL could not take it yet: during a handshake.
    if (this.#copies && this.#handle.writeQueueSize > 0) return;
    if (!this.#copies) this.#request.buffer = bytes;
    this.#await();
  }

  #await(): void {
    if (this.#awaited) return;
    this.#awaited = true;
    if (this.#request !== undefined) this.#request.oncomplete = (status) => this.#written(status);
    // Somebody else's write, of the login: there is no request of ours to wait for.
    else setImmediate(() => this.#written(0));
  }

  /** The request is given up: until its completion returns, node still holds it. */
  #written(status: number): void {
    this.#awaited = false;
    this.#request = undefined;
    this.#giveBack();
    if (status < 0) return this.#end();
    this.#writeQueue();
    if (!this.#busy) this.#drained();
    else if (this.#onDrained !== undefined || this.#onAllSent !== undefined) this.#await();
  }

  #drained(): void {
    const drained = this.#onDrained;
    const allSent = this.#onAllSent;
    this.#onDrained = undefined;
    this.#onAllSent = undefined;
    drained?.();
    allSent?.();
  }

  /** Copies bytes into memory that stays as it is until they are written. */
  #enqueue(bytes: Uint8Array): void {
    this.#queuedBytes += bytes.byteLength;
    this.#memory.append(this.#queue, bytes);
    if (this.#busy) this.#await();
    else this.#writeQueue();
  }

  #writeQueue(): void {
    while (this.#queue.length > 0 && !this.#busy) {
      const block = this.#queue.shift()!;
      this.#queuedBytes -= block.used;
      this.#inFlight = block;
      this.#write(block.content());
      if (this.#copies || !this.#awaited) this.#giveBack();
    }
    if (this.#queue.length > 0) this.#await();
  }

  #giveBack(): void {
    if (this.#inFlight === undefined) return;
    this.#memory.give(this.#inFlight);
    this.#inFlight = undefined;
  }

  #hearAll(): void {
    if (this.#heardAll || this.#ended) return;
    if (this.#closing) return this.#end();
    this.#heardAll = true;
    this.#onEnd();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#closing) return void this.socket.destroy();
    if (this.#heardAll) this.socket.destroy();
    else this.#onEnd();
    if (!this.#halfOpen) return;
    // Whoever waits for this peer waits no longer.
    this.#drained();
  }
}
