/**
 * What the tape of a Kubernetes session has: records, one after the other in each of the three streams (core/replay/kubernetes/FORMAT.md).
 * `uint8 type ‖ uint32 call ‖ uint32 length ‖ payload`. Integers are big-endian.
 */
import { CustodyError } from '#core/errors.ts';

export const RECORD_HEADER_BYTES = 9;
/** Longer payloads are cut into several records of the same type. */
export const RECORD_MAX_PAYLOAD = 256 << 10;

/** The numbers are on disk. Of a call, its number within the session counts from 1, in the order in which calls came. */
export const Record = {
  /** JSON, `RequestHead` of a call in `client`; `ResponseHead` in `target`, and in `gateway` where it answers itself. Not cut. */
  head: 1,
  /** Bytes of a body, without the transfer's own framing. */
  body: 2,
  /** The body is over. JSON: `BodyEnd`. */
  end: 3,
  /** After an upgrade: bytes of the stream, as they were. */
  stream: 4,
  /** After an upgrade: this side sends no more. No payload. */
  streamEnd: 5,
  /** JSON, `Forwarded`, in `gateway`: as whom and how the call went on to the cluster. */
  forwarded: 6,
  /** JSON, `Cut`, in `gateway`: the call ended before its time. */
  cut: 7,
  /** JSON, `Withheld`: stands in the place of body records. */
  withheld: 8,
} as const;
export type RecordType = (typeof Record)[keyof typeof Record];

/** Names as they came, in their order; a value that is a secret is empty and its header's name is in `withheld`. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface RequestHead {
  readonly method: string;
  /** The request target as the client sent it, behind what named the cluster. */
  readonly target: string;
  readonly http: '1.1' | '2';
  /** Connections of the session count from 1. */
  readonly connection: number;
  readonly headers: Headers;
  readonly withheld?: readonly string[];
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
}

export interface BodyEnd {
  readonly bytes: number;
  readonly trailers?: Headers;
}

export interface Forwarded {
  /** Whom the cluster is told that it is. */
  readonly user: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<{ [name: string]: readonly string[] }>;
}

export interface Cut {
  readonly by: 'client' | 'target' | 'gateway';
  /** A code of `CustodyError`, where the gateway did it. */
  readonly code?: string;
  readonly message?: string;
}

export interface Withheld {
  readonly why: 'secret' | 'digest';
  /** Of what was left out. */
  readonly bytes: number;
  /** Of a digest: lower-case hex SHA-256. A secret's would let anybody try values. */
  readonly sha256?: string;
  /** Of a secret: the same body as JSON, marks in the place of its values; absent where it could not be read. */
  readonly shown?: string;
  /** `shown` goes on in the next record of the same call and stream, which has no bytes of its own. */
  readonly more?: true;
}

export interface TapeRecord {
  readonly type: RecordType;
  readonly call: number;
  readonly payload: Uint8Array;
}

/** Writes a record's header into `into`, at its beginning. Hot. */
export function writeRecordHeader(into: Uint8Array, type: RecordType, call: number, length: number): void {
  into[0] = type;
  writeUint32(into, 1, call);
  writeUint32(into, 5, length);
}

function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

const TYPES: ReadonlySet<number> = new Set(Object.values(Record));

/** Puts the records of one stream together from its frames. Holds one record at most. */
export class RecordReader {
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  #headerBytes = 0;
  #payload: Uint8Array = new Uint8Array(0);
  #filled = 0;

  /** Throws `format-invalid` for what is no record: nothing behind it can be read. */
  *push(bytes: Uint8Array): Generator<TapeRecord> {
    let at = 0;
    while (at < bytes.length || this.#isComplete) {
      if (this.#headerBytes < RECORD_HEADER_BYTES) at += this.#fillHeader(bytes, at);
      else if (!this.#isComplete) at += this.#fill(bytes, at);
      if (this.#isComplete) yield this.#take();
    }
  }

  /** Bytes of a record that is not whole yet. */
  get pending(): number {
    return this.#headerBytes + this.#filled;
  }

  get #isComplete(): boolean {
    return this.#headerBytes === RECORD_HEADER_BYTES && this.#filled === this.#payload.length;
  }

  #fillHeader(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + RECORD_HEADER_BYTES - this.#headerBytes);
    this.#header.set(part, this.#headerBytes);
    this.#headerBytes += part.length;
    if (this.#headerBytes === RECORD_HEADER_BYTES) this.#begin();
    return part.length;
  }

  #begin(): void {
    const length = uint32(this.#header, 5);
    if (!TYPES.has(this.#header[0]!) || length > RECORD_MAX_PAYLOAD) throw noRecord();
    this.#payload = new Uint8Array(length);
    this.#filled = 0;
  }

  #fill(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + this.#payload.length - this.#filled);
    this.#payload.set(part, this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  #take(): TapeRecord {
    const record = {
      type: this.#header[0] as RecordType,
      call: uint32(this.#header, 1),
      payload: this.#payload,
    };
    this.#headerBytes = 0;
    this.#payload = new Uint8Array(0);
    this.#filled = 0;
    return record;
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function noRecord(): CustodyError {
  return new CustodyError(
    'format-invalid',
    'the recording has bytes that are no record of a Kubernetes session',
  );
}
