/** As long as this may what repeats be: a client's turn, such as Bind, Execute, Bind, Execute, Sync. */
const PATTERN_MAX = 32;
const LOOK_EVERY = 4 * PATTERN_MAX;
const SEGMENT_CELLS = 8;

interface Segment {
  readonly pattern: readonly number[];
  times: number;
}

/** Small numbers, first in, first out. What repeats (`SSSS`, `BEBEBE`) costs no more than its first few times. */
export class Sequence {
  readonly #limit: number;
  #segments: Segment[] = [];
  /** The segment that it begins in, and how much of that is gone; of `#loose`, when no segment is left. */
  #first = 0;
  #gone = 0;
  /** What follows the segments. */
  #loose: number[] = [];
  #length = 0;
  #cells = 0;

  /** `limit`: numbers that it holds, those that only repeat not counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** False when there is no room. */
  push(value: number): boolean {
    if (this.#cells >= this.#limit) return false;
    this.#length++;
    this.#cells++;
    this.#loose.push(value);
    if (this.#repeatsLast()) return true;
    if (this.#loose.length % LOOK_EVERY === 0) this.#lookForPattern();
    return true;
  }

  first(): number | undefined {
    const segment = this.#segments[this.#first];
    if (segment === undefined) return this.#loose[this.#gone];
    return segment.pattern[this.#gone % segment.pattern.length];
  }

  shift(): number | undefined {
    const value = this.first();
    if (value === undefined) return undefined;
    this.#length--;
    this.#gone++;
    if (this.#length === 0) this.#clear();
    else if (this.#first < this.#segments.length) this.#leaveSegment();
    else this.#cutLoose(LOOK_EVERY);
    return value;
  }

  /** All of it, from the first on. */
  *values(): Generator<number> {
    let skip = this.#gone;
    for (let at = this.#first; at < this.#segments.length; at++, skip = 0) {
      const { pattern, times } = this.#segments[at]!;
      for (let n = skip; n < pattern.length * times; n++) yield pattern[n % pattern.length]!;
    }
    for (let n = skip; n < this.#loose.length; n++) yield this.#loose[n]!;
  }

  /** The last segment's pattern has come once more. */
  #repeatsLast(): boolean {
    const last = this.#first < this.#segments.length ? this.#segments.at(-1)! : undefined;
    if (last?.pattern.length !== this.#loose.length) return false;
    if (!last.pattern.every((value, at) => value === this.#loose[at])) return false;
    last.times++;
    this.#cells -= this.#loose.length;
    this.#loose = [];
    return true;
  }

  #lookForPattern(): void {
    this.#cutLoose(1);
    for (let length = 1; length <= PATTERN_MAX; length++) {
      const times = repetitions(this.#loose, length);
      if (times >= 4) return this.#fold(length, times);
    }
  }

  #fold(length: number, times: number): void {
    const start = this.#loose.length - length * times;
    if (start > 0) this.#segments.push({ pattern: this.#loose.slice(0, start), times: 1 });
    this.#segments.push({ pattern: this.#loose.slice(start, start + length), times });
    this.#cells += 2 * SEGMENT_CELLS - length * (times - 1);
    this.#loose = [];
  }

  #leaveSegment(): void {
    const { pattern, times } = this.#segments[this.#first]!;
    if (this.#gone < pattern.length * times) return;
    this.#cells -= pattern.length + SEGMENT_CELLS;
    this.#gone = 0;
    this.#first++;
    if (this.#first * 2 <= this.#segments.length) return;
    this.#segments = this.#segments.slice(this.#first);
    this.#first = 0;
  }

  /** Gives back what is gone, when nothing but loose values is left and it is at least `enough`. */
  #cutLoose(enough: number): void {
    if (this.#first < this.#segments.length || this.#gone < enough) return;
    this.#cells -= this.#gone;
    this.#loose = this.#loose.slice(this.#gone);
    this.#gone = 0;
  }

  #clear(): void {
    this.#segments = [];
    this.#loose = [];
    this.#first = 0;
    this.#gone = 0;
    this.#cells = 0;
  }
}

/** How often the last `length` values stand at the end, one after the other. */
function repetitions(values: readonly number[], length: number): number {
  let same = 0;
  for (let at = values.length - 1; at >= length && values[at] === values[at - length]; at--) same++;
  return Math.floor(same / length) + 1;
}
