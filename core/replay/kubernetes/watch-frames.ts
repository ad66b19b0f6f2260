/** The events of a watch's answer, cut anywhere: lines of JSON, items of CBOR, or of protobuf a length before each (staging/src/k8s.io/apimachinery: frames of its streaming serializers). */
import { type BodyValue, readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import { CborItems } from '#core/protocols/kubernetes/bodies/withhold/cbor-items.ts';
import { asObject, type ObjectValue, textOf } from './objects.ts';

export interface WatchEvent {
  readonly type: string;
  readonly object: ObjectValue | undefined;
  readonly bytes: number;
}

const NOTHING = new Uint8Array(0);
const LF = 0x0a;
const LENGTH_BYTES = 4;
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
/** What cannot be read is an event all the same. */
const UNKNOWN = 'UNKNOWN';

/** Of one that is longer than `most` no more is known than that there was one. */
export class WatchFrames {
  readonly #most: number;
  readonly #form: 'lines' | 'lengths' | 'items';
  readonly #items = new CborItems();
  #parts: Uint8Array[] = [];
  #held = 0;
  /** Bytes of a frame with a length; undefined: the length is not there. */
  #wanted: number | undefined;
  #tooLong = false;

  constructor(type: string | undefined, most: number) {
    this.#most = most;
    this.#form = type?.startsWith(PROTOBUF) ? 'lengths' : /cbor/.test(type ?? '') ? 'items' : 'lines';
  }

  *push(bytes: Uint8Array): Generator<WatchEvent> {
    if (this.#form === 'lines') yield* this.#lines(bytes);
    else if (this.#form === 'lengths') yield* this.#lengths(bytes);
    else yield* this.#sequence(bytes);
  }

  *#sequence(bytes: Uint8Array): Generator<WatchEvent> {
    for (const { content = NOTHING, bytes: length } of this.#items.push(bytes))
      yield eventOf({ bytes: content, length, isWhole: content !== NOTHING }, itemValue);
  }

  *#lines(bytes: Uint8Array): Generator<WatchEvent> {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(LF, at);
      this.#hold(bytes.subarray(at, end < 0 ? undefined : end));
      if (end < 0) return;
      const isEmpty = this.#held === 0;
      const frame = this.#take();
      if (!isEmpty) yield eventOf(frame, lineValue);
      at = end + 1;
    }
  }

  *#lengths(bytes: Uint8Array): Generator<WatchEvent> {
    for (let at = 0; at < bytes.length; ) {
      const wanted = this.#wanted ?? LENGTH_BYTES;
      const part = bytes.subarray(at, at + wanted - this.#held);
      this.#hold(part);
      at += part.length;
      if (this.#held < wanted) return;
      const frame = this.#take();
      if (this.#wanted === undefined) this.#wanted = lengthIn(frame.bytes);
      else {
        this.#wanted = undefined;
        yield eventOf(frame, messageValue);
      }
    }
  }

  #hold(part: Uint8Array): void {
    this.#held += part.length;
    this.#tooLong ||= this.#held > this.#most;
    if (this.#tooLong) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part.slice());
  }

  #take(): Frame {
    const frame = { bytes: Buffer.concat(this.#parts), length: this.#held, isWhole: !this.#tooLong };
    this.#parts = [];
    this.#held = 0;
    this.#tooLong = false;
    return frame;
  }
}

interface Frame {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly isWhole: boolean;
}

type Read = (bytes: Uint8Array) => { readonly type: string; readonly object: BodyValue | undefined };

function eventOf({ bytes, length, isWhole }: Frame, read: Read): WatchEvent {
  const { type, object } = isWhole ? read(bytes) : { type: UNKNOWN, object: undefined };
  return { type, object: asObject(object), bytes: length };
}

const lineValue: Read = (bytes) => valueIn(bytes, 'application/json');
const itemValue: Read = (bytes) => valueIn(bytes, 'application/cbor');

function valueIn(bytes: Uint8Array, type: string): ReturnType<Read> {
  const read = readBody(bytes, type, undefined);
  const event = read.kind === 'read' ? asObject(read.value) : undefined;
  return { type: textOf(event?.['type']) ?? UNKNOWN, object: event?.['object'] };
}

/** A WatchEvent (k8s.io/apimachinery/pkg/apis/meta/v1): 1, its type; 2, a RawExtension, whose 1 is the object with its magic number. */
function messageValue(bytes: Uint8Array): ReturnType<Read> {
  const type = fieldOf(bytes, 1);
  const extension = fieldOf(bytes, 2);
  const raw = extension && fieldOf(extension, 1);
  const read = raw && readBody(raw, PROTOBUF, undefined);
  return {
    type: type === undefined ? UNKNOWN : Buffer.from(type).toString('utf8'),
    object: read?.kind === 'read' ? read.value : undefined,
  };
}

/** The last field of that number with a length (protobuf's wire type 2), as far as the message has no others. */
function fieldOf(bytes: Uint8Array, number: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (let at = 0; at < bytes.length; ) {
    const key = varint(bytes, at);
    const length = key && varint(bytes, key.end);
    if (key === undefined || length === undefined || (key.value & 7) !== 2) return found;
    const end = length.end + length.value;
    if (end > bytes.length) return found;
    if (key.value >>> 3 === number) found = bytes.subarray(length.end, end);
    at = end;
  }
  return found;
}

/** Below 2^28, which no frame that is kept exceeds. */
function varint(
  bytes: Uint8Array,
  from: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = from; at < Math.min(bytes.length, from + 4); at += 1) {
    value |= (bytes[at]! & 0x7f) << (7 * (at - from));
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}

function lengthIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
