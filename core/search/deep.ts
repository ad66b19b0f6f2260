/** Byte strings in all that a session's streams hold: what no index keeps, too. */
import type { ReplayFrame } from '../replay/step.ts';

/** Bytes of one stream, or of one channel within it, in order. */
export interface Piece {
  readonly lane: string;
  /** Microseconds since the session's start. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** What lies within one piece is found elsewhere already: only what goes on from one to the next counts. */
  readonly acrossOnly?: true;
}

export interface DeepMatch {
  /** Which of the byte strings. */
  readonly needle: number;
  readonly lane: string;
  /** When its last byte came. */
  readonly at: number;
  /** Where it begins among the lane's bytes. */
  readonly offset: number;
  /** Bytes around it, with it. */
  readonly around: Uint8Array;
}

/** On either side of what was found. */
const AROUND = 40;

/** Frames as they are: every byte of both directions, and what the gateway said and noted. */
export function pieceOf({ stream, timeUs, payload }: ReplayFrame): Piece {
  return { lane: stream, at: timeUs, bytes: payload };
}

/**
 * Finds each place at which one of the byte strings stands, wherever pieces are cut. It keeps of each lane as many bytes as the longest
 * of them has, and a few around.
 */
export class DeepSearch {
  readonly #needles: readonly Buffer[];
  readonly #keep: number;
  readonly #lanes = new Map<string, Lane>();

  /** None of them empty. */
  constructor(needles: readonly Uint8Array[]) {
    this.#needles = needles.map((needle) => Buffer.from(needle));
    this.#keep = Math.max(0, ...needles.map(({ length }) => length)) - 1 + AROUND;
  }

  take({ lane: name, at, bytes, acrossOnly }: Piece): readonly DeepMatch[] {
    const lane = this.#lanes.get(name) ?? { tail: Buffer.alloc(0), before: 0 };
    const all = Buffer.concat([lane.tail, bytes]);
    const from = lane.tail.length;
    const found = this.#needles.flatMap((needle, number) =>
      placesOf(all, needle, from)
        .filter((place) => acrossOnly !== true || place < from)
        .map((place) => ({
          ...{ needle: number, lane: name, at, offset: lane.before + place },
          around: Uint8Array.from(all.subarray(Math.max(0, place - AROUND), place + needle.length + AROUND)),
        })),
    );
    const keepFrom = Math.max(0, all.length - this.#keep);
    this.#lanes.set(name, { tail: Buffer.from(all.subarray(keepFrom)), before: lane.before + keepFrom });
    return found.toSorted((a, b) => a.offset - b.offset || a.needle - b.needle);
  }
}

interface Lane {
  /** The last bytes. */
  readonly tail: Buffer;
  /** How many came before them. */
  readonly before: number;
}

/** Those that end behind `from`: what ended before it was found with the piece before. */
function placesOf(all: Buffer, needle: Buffer, from: number): readonly number[] {
  const places: number[] = [];
  const first = Math.max(0, from - needle.length + 1);
  for (let at = all.indexOf(needle, first); at >= 0; at = all.indexOf(needle, at + 1)) places.push(at);
  return places;
}
