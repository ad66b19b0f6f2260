/** Cutting one direction of an SFTP session into messages (draft-ietf-secsh-filexfer-02 section 3). */
import { readUint32, SshWriter, violation } from '../wire.ts';

/** Numbers of messages. */
export const Sftp = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** The longest message that is kept whole; OpenSSH takes none that are longer. */
export const SFTP_MESSAGE_MAX = 256 << 10;
/** Section 6.3. */
export const HANDLE_MAX = 256;
/** Length, number, id; of WRITE then the handle's length, of DATA the content's. */
const FIRST_FIELDS = 13;

/** Is told of every byte exactly once, in order. */
export interface SftpSink {
  /** A message with the length before it. The bytes are its own, or a view of the chunk. */
  whole(bytes: Uint8Array): void;
  /** A WRITE or DATA up to its content, of which so many bytes follow. */
  begin(head: Uint8Array, content: number): void;
  /** A view of the chunk, from `at` on. */
  content(part: Uint8Array, at: number): void;
  end(): void;
}

/**
 * Chunks in, messages out. The content of WRITE (of the client) and DATA (of the server) is never held, whatever its length; of
 * any other message at most `SFTP_MESSAGE_MAX` bytes, and only as many as came. Throws `protocol-violation`.
 */
export class SftpCutter {
  readonly #sink: SftpSink;
  readonly #streamed: number;
  #held: SshWriter | undefined;
  #left = 0;

  constructor(from: 'client' | 'target', sink: SftpSink) {
    this.#streamed = from === 'client' ? Sftp.write : Sftp.data;
    this.#sink = sink;
  }

  /** Within the content of a message. */
  get streaming(): boolean {
    return this.#left > 0;
  }

  /** Bytes that came of a message that is not whole. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) at = this.#goOn(chunk, at);
      else at = this.#held === undefined ? this.#direct(chunk, at) : this.#gather(chunk, at, this.#held);
    }
  }

  #goOn(chunk: Uint8Array, at: number): number {
    const to = Math.min(chunk.length, at + this.#left);
    this.#left -= to - at;
    this.#sink.content(chunk.subarray(at, to), at);
    if (this.#left === 0) this.#sink.end();
    return to;
  }

  /** Nothing is held: what is whole in the chunk is given as a view of it. */
  #direct(chunk: Uint8Array, at: number): number {
    const rest = chunk.subarray(at);
    const needed = this.#needed(rest);
    if (rest.length < needed) {
      this.#held = new SshWriter().raw(rest);
      return chunk.length;
    }
    this.#give(rest.subarray(0, needed));
    return at + needed;
  }

  #gather(chunk: Uint8Array, from: number, held: SshWriter): number {
    let at = from;
    for (let needed = this.#needed(held.done()); held.length < needed; needed = this.#needed(held.done())) {
      if (at === chunk.length) return at;
      const to = Math.min(chunk.length, at + needed - held.length);
      held.raw(chunk.subarray(at, to));
      at = to;
    }
    this.#held = undefined;
    this.#give(held.done());
    return at;
  }

  /** How many bytes there must be before anything can be said; more, once these are there, only where a length stands in them. */
  #needed(begun: Uint8Array): number {
    if (begun.length < 5) return 5;
    const length = readUint32(begun, 0);
    if (length < 1) throw violation('an SFTP message is empty');
    if (begun[4] === this.#streamed) return this.#headNeeded(begun, length);
    if (length > SFTP_MESSAGE_MAX) throw violation(`an SFTP message is ${length} bytes long`);
    return 4 + length;
  }

  #headNeeded(begun: Uint8Array, length: number): number {
    if (4 + length < FIRST_FIELDS) throw violation('an SFTP message is shorter than it says');
    if (this.#streamed === Sftp.data || begun.length < FIRST_FIELDS) return FIRST_FIELDS;
    const handle = readUint32(begun, FIRST_FIELDS - 4);
    if (handle > HANDLE_MAX) throw violation('an SFTP handle is longer than 256 bytes');
    return FIRST_FIELDS + handle + 12;
  }

  #give(bytes: Uint8Array): void {
    if (bytes[4] !== this.#streamed) return this.#sink.whole(bytes);
    const content = readUint32(bytes, bytes.length - 4);
    if (bytes.length - 4 + content !== readUint32(bytes, 0))
      throw violation('the content of an SFTP message is not as long as the message says');
    this.#left = content;
    this.#sink.begin(bytes, content);
    if (content === 0) this.#sink.end();
  }
}
