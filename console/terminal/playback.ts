/** A tape that is played: where it stands, how fast it goes, what its screen shows. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { advanced } from './pace.ts';
import type { Row } from './rows.ts';
import type { Tape } from './tape.ts';
import { TapeScreen } from './tape-screen.ts';

/** When a browser draws next. */
export interface Frames {
  request(draw: (ms: number) => void): number;
  cancel(request: number): void;
}

export interface Shown {
  readonly rows: readonly Row[];
  readonly columns: number;
}

export const SPEEDS = [0.5, 1, 2, 4, 8, 16] as const;

/** Thirty times a second is as smooth as a terminal gets. */
const FRAME_MS = 32;
/** A tab that was away for longer goes on where it was. */
const FRAME_MAX_MS = 250;
/** Slices that are drawn before it is said how far it is. */
const QUIET_SLICES = 6;
/** How much of the beginning is shown before anything is played. */
const POSTER_US = 1_000_000;

export class Playback {
  readonly #tape: Tape;
  readonly #frames: Frames;
  readonly #screen: TapeScreen;
  readonly #now = signal(0);
  readonly #end = signal(0);
  readonly #shown = signal<Shown>({ rows: [], columns: 80 });
  readonly #isPlaying = signal(false);
  readonly #isFollowing = signal(false);
  readonly #drawn = signal<number | undefined>(undefined);
  readonly speed = signal<number>(1);
  readonly idle = signal<number>(2);
  #isPoster: boolean;
  #request: number | undefined;
  #tickAt: number | undefined;
  #isDrawing = false;
  #isOver = false;

  /** `at`: where it begins; else with a look at the beginning, before which it is played from. */
  constructor(tape: Tape, frames: Frames, at: number | undefined) {
    this.#tape = tape;
    this.#frames = frames;
    this.#screen = new TapeScreen(tape);
    this.#isPoster = at === undefined;
    if (at !== undefined) this.#now.value = at;
  }

  /** Microseconds since the session's start. */
  get now(): ReadonlySignal<number> {
    return this.#now;
  }

  get end(): ReadonlySignal<number> {
    return this.#end;
  }

  get shown(): ReadonlySignal<Shown> {
    return this.#shown;
  }

  get isPlaying(): ReadonlySignal<boolean> {
    return this.#isPlaying;
  }

  /** It stays at the end, which goes on. */
  get isFollowing(): ReadonlySignal<boolean> {
    return this.#isFollowing;
  }

  /** How much of the way to a moment is drawn, where that takes a while. */
  get drawn(): ReadonlySignal<number | undefined> {
    return this.#drawn;
  }

  /** Somebody went somewhere; until then it stands where it was opened. */
  get isMoved(): boolean {
    return !this.#isPoster;
  }

  /** The tape has more than before. */
  grown(): void {
    this.#end.value = Math.max(this.#tape.until, this.#now.peek());
    if (this.#isPoster) this.#now.value = (this.#tape.start?.at ?? 0) + POSTER_US;
    if (this.#isFollowing.peek()) this.#now.value = this.#tape.until;
    this.#draw();
  }

  play(): void {
    const start = this.#tape.start?.at ?? 0;
    if (this.#isPoster || this.#now.peek() >= this.#tape.until) this.#now.value = start;
    this.#isPoster = false;
    this.#isFollowing.value = false;
    this.#isPlaying.value = true;
    this.#tickAt = undefined;
    this.#tick();
  }

  pause(): void {
    this.#isPlaying.value = false;
    this.#isFollowing.value = false;
    if (this.#request !== undefined) this.#frames.cancel(this.#request);
    this.#request = undefined;
  }

  toggle(): void {
    if (this.#isPlaying.peek()) this.pause();
    else this.play();
  }

  seek(us: number): void {
    this.#isPoster = false;
    this.#isFollowing.value = false;
    this.#now.value = Math.max(0, Math.min(us, this.#tape.until));
    this.#draw();
  }

  follow(): void {
    this.pause();
    this.#isPoster = false;
    this.#isFollowing.value = true;
    this.grown();
  }

  /** One up or down the list of speeds. */
  faster(way: 1 | -1): void {
    const at = SPEEDS.indexOf(this.speed.peek() as (typeof SPEEDS)[number]) + way;
    this.speed.value = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at))]!;
  }

  dispose(): void {
    this.pause();
    this.#isOver = true;
    if (!this.#isDrawing) this.#screen.dispose();
  }

  #tick(): void {
    this.#request = this.#frames.request((ms) => {
      const passed = ms - (this.#tickAt ?? ms);
      if (this.#tickAt === undefined || passed >= FRAME_MS) {
        this.#tickAt = ms;
        this.#advance(Math.min(passed, FRAME_MAX_MS));
      }
      if (this.#isPlaying.peek()) this.#tick();
    });
  }

  /** Time waits for the screen where there is too much to draw. */
  #advance(ms: number): void {
    const { until } = this.#tape;
    const now = this.#now.peek();
    if (this.#isDrawing) return;
    const next = (us: number): number => this.#tape.gapAt(us)?.to ?? us;
    const wanted = advanced(now, { speed: this.speed.peek(), idle: this.idle.peek(), next }, ms);
    this.#now.value = Math.min(until, wanted);
    this.#draw();
    if (wanted >= until) this.pause();
  }

  /** One at a time; who goes on meanwhile is drawn next. */
  #draw(): void {
    if (this.#isDrawing || this.#isOver) return;
    this.#isDrawing = true;
    void this.#drawAll().finally(() => {
      this.#isDrawing = false;
      this.#drawn.value = undefined;
      if (this.#isOver) this.#screen.dispose();
    });
  }

  async #drawAll(): Promise<void> {
    for (let drawn = -1; drawn !== this.#now.peek() && !this.#isOver; ) {
      drawn = this.#now.peek();
      await this.#drawUpTo(drawn);
      if (this.#isOver) return;
      this.#shown.value = { rows: this.#screen.rows(), columns: this.#screen.columns };
    }
  }

  async #drawUpTo(us: number): Promise<void> {
    let slices = 0;
    await this.#screen.seek(us, () => {
      slices += 1;
      if (slices > QUIET_SLICES) this.#drawn.value = Math.max(0, this.#screen.at) / Math.max(1, us);
      return !this.#isOver && this.#now.peek() >= us;
    });
  }
}
