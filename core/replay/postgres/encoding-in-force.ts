import type { TextEncoding, TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { decodeCharacters } from '#core/protocols/postgres/encoding/escape.ts';
import { type EncodingChange, encodingChange, mayChange } from './encoding-commands.ts';

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
  #reported: TextEncoding | undefined;
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

  /** A statement begins to run: it may change the encoding in ways that cannot be seen. */
  begun(): void {
    if (this.#now.certain) this.#turn(this.#now.encoding);
  }

  /** A ParameterStatus; `isLogin`: of those that tell where the session begins. */
  reported(name: string, value: string, isLogin: boolean): void {
    if (name === 'server_version') this.#reportsLate = !(Number.parseInt(value, 10) < REPORTS_LATE_SINCE);
    if (name !== 'client_encoding') return;
    const encoding = this.#encodings.get(value);
    if (isLogin) {
      this.#now = { encoding, certain: true };
      this.#default = this.#session = this.#outside = encoding;
    } else if (encoding !== this.#now.encoding) {
      this.#isDoubted = true;
      this.#turn(encoding);
    }
    this.#reported = encoding;
  }

  /** A command has ended well. */
  ran(sql: string, part: number, tag: string): void {
    const change = encodingChange(sql, part, tag);
    if (change !== undefined) this.#apply(change);
    this.#hasCalled ||= mayChange(sql, part);
  }

  /** A command has failed: what it and others of its transaction have changed is taken back. */
  failed(sql: string, part: number): void {
    this.#isDoubted ||= this.#hasCalled || mayChange(sql, part);
  }

  /** The server is ready: what it reported by now holds. True when what was said since it was last ready is in doubt. */
  ready(isIdle: boolean): boolean {
    const holds = this.#reported ?? this.#now.encoding;
    const isMissed = this.#isDoubted || holds !== this.#now.encoding;
    const doubted = this.#reportsLate && this.#doubtful.length > 0 && isMissed;
    if (doubted) for (const stamp of this.#doubtful) stamp.encoding = BYTES;
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
        return this.#set(this.#encodings.get(change.encoding));
      case 'set-local':
        return this.#turn(this.#encodings.get(change.encoding));
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

/** Where the encoding is not known: ASCII, and bytes. */
const BYTES: TextEncoding = {
  name: 'unknown',
  decode: (bytes) => decodeCharacters(bytes, false, { lengthAt: () => 1, character: () => undefined }),
};
