import { connect, type Socket } from 'node:net';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import type { ReplayFrame } from '#core/replay/step.ts';

const TIMEOUT_MS = 20_000;

/** A raw client that records both directions as the gateway does: what the client sends before the server can have it. */
export class RecordedSession {
  readonly frames: ReplayFrame[] = [];
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#record('target', chunk);
      this.#chunks.push(chunk);
      this.#wake();
    });
  }

  /** Tries again while the server refuses, as it starts again after a crash. */
  static async open(port: number, database = 'postgres'): Promise<RecordedSession> {
    const parameters = [
      ['user', 'app'],
      ['database', database],
    ] as const;
    for (let tries = 0; tries < 100; tries++) {
      const session = new RecordedSession(connect({ port, host: '127.0.0.1' }));
      session.send(encodeStartup({ minor: 0, parameters }));
      await session.until((bytes) => bytes.includes(READY));
      if (!session.closed) return session;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error('the server takes no connections');
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Of the server's process, from BackendKeyData. */
  get pid(): number {
    const keyData = Buffer.concat(
      this.frames.filter(({ stream }) => stream === 'target').map(({ payload }) => payload),
    );
    return keyData.readUInt32BE(keyData.indexOf(KEY_DATA) + 5);
  }

  send(bytes: Uint8Array): void {
    this.#record('client', bytes);
    this.#socket.write(bytes);
  }

  /** Resolves when what was received since the last time `is` what is waited for, or the server hung up. */
  async until(is: (received: Buffer) => boolean): Promise<void> {
    const end = performance.now() + TIMEOUT_MS;
    while (!is(this.#received()) && !this.#closed) {
      if (performance.now() > end) throw new Error('the server does not answer');
      await new Promise<void>((done) => {
        const timer = setTimeout(done, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
    this.#chunks = [];
  }

  /** Until a ReadyForQuery comes, or for a moment: it may be that none does. */
  async ready(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (!this.#closed && performance.now() < end && !isReady(this.#received())) {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, ms);
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
    this.#chunks = [];
  }

  /** Until so many ReadyForQuery came, as messages. */
  async untilReady(count: number): Promise<void> {
    let [at, seen] = [0, 0];
    await this.until((bytes) => {
      for (; at + 5 <= bytes.length && at + 1 + bytes.readUInt32BE(at + 1) <= bytes.length; ) {
        if (bytes[at] === READY[0]) seen++;
        at += 1 + bytes.readUInt32BE(at + 1);
      }
      return seen >= count;
    });
  }

  async end(): Promise<void> {
    if (!this.#closed) this.send(Uint8Array.of(0x58, 0, 0, 0, 4));
    await this.until(() => false);
  }

  #received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #record(stream: 'client' | 'target', payload: Uint8Array): void {
    this.frames.push({
      stream,
      withheld: false,
      timeUs: this.frames.length * 1000,
      payload: Uint8Array.from(payload),
    });
  }
}

/** ReadyForQuery, idle. */
export const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

function isReady(bytes: Buffer): boolean {
  return bytes.length >= 6 && bytes.subarray(-6, -1).equals(READY.subarray(0, 5));
}
