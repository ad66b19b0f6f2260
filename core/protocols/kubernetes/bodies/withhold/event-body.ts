import { CustodyError } from '#core/errors.ts';
import type { Withheld } from '../../tape.ts';
import { readProtobufEvent } from '../protobuf/read.ts';
import { type BodyRead, readBody } from '../read.ts';
import type { BodyValue } from '../value.ts';
import { countOf, piecesOf } from './pieces.ts';

/** A part of a stream that stands for itself. */
export interface StreamPart {
  /** Undefined for bytes of one that is too long to be held. */
  readonly content: Uint8Array | undefined;
  /** With what frames it. */
  readonly bytes: number;
}

/** Cuts a stream into its events. Holds one at most, of at most `HELD_MAX_BYTES`. */
export interface StreamParts {
  push(bytes: Uint8Array): Iterable<StreamPart>;
  /** Bytes of an event that is not whole yet. */
  readonly pending: number;
  /** Drops them, and says how many they were. */
  drop(): number;
}

/** A watch: events for hours, each of which is shown when it is whole. */
export class EventBody {
  readonly #parts: StreamParts;
  readonly #format: 'json' | 'protobuf' | 'cbor';
  readonly #marked: (value: BodyValue) => BodyValue;

  constructor(
    parts: StreamParts,
    format: 'json' | 'protobuf' | 'cbor',
    marked: (value: BodyValue) => BodyValue,
  ) {
    this.#parts = parts;
    this.#format = format;
    this.#marked = marked;
  }

  get pending(): number {
    return this.#parts.pending;
  }

  push(bytes: Uint8Array): readonly Withheld[] {
    const pieces: Withheld[] = [];
    for (const { content, bytes: length } of this.#parts.push(bytes))
      pieces.push(
        ...(content === undefined ? countOf(length) : piecesOf(length, this.#read(content), this.#marked)),
      );
    return pieces;
  }

  /** What is left was cut off in its middle. */
  end(): readonly Withheld[] {
    return countOf(this.#parts.drop());
  }

  #read(content: Uint8Array): BodyRead {
    if (this.#format !== 'protobuf') return readBody(content, `application/${this.#format}`, undefined);
    try {
      return { kind: 'read', format: 'protobuf', ...readProtobufEvent(content) };
    } catch (thrown) {
      if (thrown instanceof CustodyError) return { kind: 'unreadable', why: thrown.message };
      throw thrown;
    }
  }
}
