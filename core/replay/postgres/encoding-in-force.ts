import type { TextEncoding, TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { decodeCharacters } from '#core/protocols/postgres/encoding/escape.ts';
import type { EncodingChange, Unseen } from './encoding-commands.ts';

/** The encoding of what was said in one stretch of a session. */
export interface Stamp {
  encoding: TextEncoding;
  /** Nothing had run since the server last told what it is. */
  readonly certain: boolean;
}

/** PostgreSQL reports a changed setting at once before this version, and since then when it is ready again. */
const REPORTS_LATE_SINCE = 14;

/**
 * Which encoding the server reads and writes in, by what it reports and by the commands that it has run. The report comes late:
 * where it turns out that code which cannot be seen has changed the encoding, all that was said since the last report is bytes.
 */
export class EncodingInForce {
  readonly #encodings: TextEncodings;
  #now: Stamp;
  /** Made since the server was last ready, and not certain. */
  #doubtful: Stamp[] = [];
  #isDoubted = false;
  /** Code that cannot be seen has run since: what it may have changed can be taken back without a report. */
  #hasCalled = false;
  /** Code of this session is known to change it, or may: each time that it runs it may, and change it back. */
  #isSuspect = false;
  #reported: TextEncoding | undefined;
  /** As the server last named it, and its own: what a client in SQL_ASCII says and is told is not converted. */
  #name = 'SQL_ASCII';
  #server = 'SQL_ASCII';
  #reportsLate = true;
  /**
   * What RESET, the transaction's end by COMMIT and by ROLLBACK go back to. What comes before BEGIN in one Query or pipeline is in
   * its transaction.
   */
  #default: TextEncoding;
  #session: TextEncoding;
  #outside: TextEncoding;

  constructor(encodings: TextEncodings) {
    this.#encodings = encodings;
    const unknown = encodings.get('SQL_ASCII');
    this.#now = { encoding: unknown, certain: true };
    this.#default = this.#session = this.#outside = unknown;
  }

  get now(): Stamp {
    return this.#now;
  }

  /** By any of its names. */
  named(name: string): TextEncoding {
    const encoding = this.#encodings.get(name);
    return encoding.name === 'SQL_ASCII' ? this.#encodings.get(this.#server) : encoding;
  }

  /** Since the server last told, something may have changed it in a way that cannot be told. */
  get isUnsure(): boolean {
    return this.#isDoubted || (this.#isSuspect && this.#hasCalled);
  }

  /** A statement begins to run: it may change the encoding in ways that cannot be seen. */
  begun(): void {
    if (this.#now.certain) this.#turn(this.#now.encoding);
  }

  /** A ParameterStatus; `isLogin`: of those that tell where the session begins. */
  reported(name: string, value: string, isLogin: boolean): void {
    if (name === 'server_version') this.#reportsLate = !(Number.parseInt(value, 10) < REPORTS_LATE_SINCE);
    if (name === 'server_encoding') this.#server = value;
    if (name === 'client_encoding') this.#name = value;
    if (name !== 'client_encoding' && name !== 'server_encoding') return;
    const encoding = this.named(this.#name);
    if (isLogin) {
      this.#now = { encoding, certain: true };
      this.#default = this.#session = this.#outside = encoding;
    } else if (encoding !== this.#now.encoding) {
      this.#isDoubted = true;
      this.#isSuspect = true;
      this.#turn(encoding);
    }
    this.#reported = encoding;
  }

  /** A command has run, perhaps not to its end: what it did that can be read, and what it may have done otherwise. */
  ran(change: EncodingChange | undefined, unseen: Unseen): void {
    if (change !== undefined) this.#apply(change);
    this.#hasCalled ||= unseen !== 'no';
    this.#isDoubted ||= unseen === 'seen';
  }

  /** A command has failed: what it and others of its transaction have changed is taken back. */
  failed(unseen: Unseen): void {
    this.#isDoubted ||= this.#hasCalled || unseen !== 'no';
  }

  /** There is code in the session that names the setting. */
  mentioned(): void {
    this.#isSuspect = true;
  }

  /** The server is ready: what it reported by now holds. True when what was said since it was last ready is in doubt. */
  ready(isIdle: boolean): boolean {
    const holds = this.#reported ?? this.#now.encoding;
    const isMissed = this.isUnsure || holds !== this.#now.encoding;
    const doubted = this.#reportsLate && this.#doubtful.length > 0 && isMissed;
    if (doubted) for (const stamp of this.#doubtful) stamp.encoding = BYTES_ONLY;
    this.#now = { encoding: holds, certain: true };
    this.#doubtful = [];
    this.#isDoubted = false;
    this.#hasCalled = false;
    if (isIdle) this.#session = this.#outside = holds;
    return doubted;
  }

  #apply(change: EncodingChange): void {
    if (change.kind !== 'commit') this.#isDoubted ||= this.#hasCalled;
    switch (change.kind) {
      case 'set':
        return this.#set(this.named(change.encoding));
      case 'set-local':
        return this.#turn(this.named(change.encoding));
      case 'reset':
        return this.#set(this.#default);
      case 'commit':
        this.#outside = this.#session;
        return this.#turn(this.#session);
      case 'rollback':
        return this.#set(this.#outside);
      case 'rollback-to':
        if (this.#now.encoding === this.#outside && this.#session === this.#outside) return;
        this.#isDoubted = true;
        return;
      case 'unknown':
        this.#isDoubted = true;
    }
  }

  #set(encoding: TextEncoding): void {
    this.#session = encoding;
    this.#turn(encoding);
  }

  #turn(encoding: TextEncoding): void {
    if (encoding === this.#now.encoding && !this.#now.certain) return;
    this.#now = { encoding, certain: false };
    this.#doubtful.push(this.#now);
  }
}

/**
 * Where the encoding is not known: ASCII, and bytes. One of ASCII that follows another may be the second of a character in SJIS,
 * BIG5, GBK and their kin, so it is a byte too.
 */
export const BYTES_ONLY: TextEncoding = {
  name: 'unknown',
  decode: (bytes) => decodeCharacters(bytes, false, { lengthAt: bytesAt, character: () => undefined }),
};

const [SECOND_FROM, SECOND_TO] = [0x30, 0x7e];

function bytesAt(bytes: Uint8Array, at: number): number {
  const next = bytes[at + 1] ?? 0;
  return next >= SECOND_FROM && next <= SECOND_TO ? 2 : 1;
}
