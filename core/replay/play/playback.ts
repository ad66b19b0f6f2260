/** A session shown in its own time: faster or slower, paused, from any step on. It knows no clock and no terminal. */

/** What a place among the steps is looked for by. */
export type Stop = 'step' | 'error' | 'write';

/** A step where it stands among the others. Times in microseconds since the session's start. */
export interface Placed {
  readonly number: number;
  readonly at: number;
}

/** The steps of a session by their numbers, from 1, wherever they are. Each rejects with what keeps the steps from being read. */
export interface StepPlaces {
  /** How many there are. */
  readonly total: number;
  /** The nearest step after `number`, or before it, at which to stop. */
  find(number: number, direction: 'next' | 'previous', stop: Stop): Promise<Placed | undefined>;
  /** The first step that began at `at` or later; else the last. */
  atTime(at: number): Promise<Placed | undefined>;
}

export interface Rate {
  /** How many times as fast as it was. */
  readonly speed: number;
  /** No pause is longer, microseconds as it was; absent: as long as it was. */
  readonly idleLimit?: number;
}

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];

/** Where somebody is in a session, and whether it goes on by itself. */
export class Playback {
  readonly #places: StepPlaces;
  readonly #idleLimit: number;
  #speed: number;
  #now: Placed | undefined;
  #isPlaying = true;

  constructor(places: StepPlaces, { speed, idleLimit = Number.POSITIVE_INFINITY }: Rate) {
    this.#places = places;
    this.#speed = speed;
    this.#idleLimit = idleLimit;
  }

  /** The step that is shown; undefined before the first. */
  get now(): Placed | undefined {
    return this.#now;
  }

  get speed(): number {
    return this.#speed;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  toggle(): void {
    this.#isPlaying = !this.#isPlaying;
  }

  faster(): void {
    this.#speed = SPEEDS.find((speed) => speed > this.#speed) ?? this.#speed;
  }

  slower(): void {
    this.#speed = SPEEDS.findLast((speed) => speed < this.#speed) ?? this.#speed;
  }

  /** The step that comes next by itself, and in how many milliseconds; undefined at the end, where it stops. */
  async upcoming(): Promise<{ readonly step: Placed; readonly ms: number } | undefined> {
    const step = await this.#places.find(this.#now?.number ?? 0, 'next', 'step');
    if (step === undefined) {
      this.#isPlaying = false;
      return undefined;
    }
    const pause = this.#now === undefined ? 0 : Math.max(0, step.at - this.#now.at);
    return { step, ms: Math.min(pause, this.#idleLimit) / 1000 / this.#speed };
  }

  /** It has come to this step. */
  arrive(step: Placed): void {
    this.#now = step;
  }

  /** Goes to the nearest one and stops there; undefined, and nothing changes, where there is none. */
  async jump(direction: 'next' | 'previous', stop: Stop): Promise<Placed | undefined> {
    const from = this.#now?.number ?? (direction === 'next' ? 0 : 1);
    return this.#stopAt(await this.#places.find(from, direction, stop));
  }

  /** `12`: step 12; `1:02.5`, `90s`: that long after the start; `50%`: half of the way through the steps. Undefined: nothing of the kind. */
  async goTo(place: string): Promise<Placed | undefined> {
    const wanted = readPlace(place, this.#places.total);
    if (wanted === undefined) return undefined;
    const found =
      'step' in wanted
        ? await this.#places.find(wanted.step - 1, 'next', 'step')
        : await this.#places.atTime(wanted.at);
    return this.#stopAt(found);
  }

  #stopAt(step: Placed | undefined): Placed | undefined {
    if (step === undefined) return undefined;
    this.#isPlaying = false;
    this.#now = step;
    return step;
  }
}

/** Where a person wants to be: a step's number, or microseconds since the start. */
export function readPlace(
  text: string,
  total: number,
): { readonly step: number } | { readonly at: number } | undefined {
  const step = /^\d{1,15}$/.exec(text);
  if (step !== null) return { step: Math.min(Math.max(1, Number(text)), Math.max(1, total)) };
  const percent = /^(\d{1,3})%$/.exec(text);
  if (percent !== null)
    return { step: Math.max(1, Math.ceil((Math.min(100, Number(percent[1])) / 100) * total)) };
  const time = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,6}(?:\.\d{1,6})?)s?$/.exec(text);
  if (time === null || !/[:.s]/.test(text)) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = time;
  return { at: Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1e6) };
}
