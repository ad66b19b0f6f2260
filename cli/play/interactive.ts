import { type Placed, Playback, type Rate, type StepPlaces } from '#core/replay/play/playback.ts';
import type { JsonStep, ReadStep, ReplayReader } from '#core/replay/reader.ts';
import { type Cli, print, say } from '../cli.ts';
import { StatusLine } from '../status-line.ts';
import { KEYS_HELP, type Key, KeyReader } from './keys.ts';

/** Steps that can be read in any order. */
export interface PlayedSteps extends StepPlaces {
  readonly reader: ReplayReader;
  read(number: number): Promise<ReadStep>;
  /** Until when the session goes, microseconds since its start. */
  readonly until: number;
}

/** What the player needs of the world. */
export interface Stage {
  /** Bytes of a terminal in raw mode, as they come. */
  readonly keys: AsyncIterator<Uint8Array>;
  /** Resolves after `ms`, at once when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const ROWS = 20;
const PLAIN_WIDTH = 160;
const LEFT_OUT = [
  'note: the target leaves out what you may not see: marks in brackets stand in its place',
  "note: such steps are the server's word: nothing of them is verified here",
] as const;

/** Plays until the person has had enough. */
export async function playInteractive(cli: Cli, steps: PlayedSteps, rate: Rate, stage: Stage): Promise<void> {
  await new Player(cli, steps, rate, stage).run();
}

class Player {
  readonly #cli: Cli;
  readonly #steps: PlayedSteps;
  readonly #playback: Playback;
  readonly #stage: Stage;
  readonly #status: StatusLine;
  readonly #reader = new KeyReader();
  #coming: Promise<IteratorResult<Uint8Array>>;
  /** How many rows of the step that is shown were shown. */
  #rowsShown = ROWS;
  /** Of the step that is shown something is left out. */
  #isRedacted = false;
  #wasTold = false;

  constructor(cli: Cli, steps: PlayedSteps, rate: Rate, stage: Stage) {
    this.#cli = cli;
    this.#steps = steps;
    this.#playback = new Playback(steps, rate);
    this.#stage = stage;
    this.#status = new StatusLine(cli);
    this.#coming = stage.keys.next();
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        this.#showStatus();
        const keys = await this.#wait();
        if (keys === 'over') return;
        for (const key of keys) if (!(await this.#take(key))) return;
      }
    } finally {
      this.#status.clear();
    }
  }

  /** The next keys; none where the next step has come by itself. */
  async #wait(): Promise<readonly Key[] | 'over'> {
    const upcoming = this.#playback.isPlaying ? await this.#playback.upcoming() : undefined;
    if (upcoming === undefined) return this.#pressed(await this.#nextKeys());
    const pressed = new AbortController();
    const slept = this.#stage.sleep(upcoming.ms, pressed.signal).then(() => undefined);
    const came = await Promise.race([this.#coming, slept]);
    pressed.abort();
    if (came !== undefined) return this.#pressed(await this.#nextKeys());
    this.#playback.arrive(upcoming.step);
    await this.#show(upcoming.step);
    return [];
  }

  async #nextKeys(): Promise<IteratorResult<Uint8Array>> {
    const came = await this.#coming;
    if (came.done !== true) this.#coming = this.#stage.keys.next();
    return came;
  }

  #pressed(came: IteratorResult<Uint8Array>): readonly Key[] | 'over' {
    return came.done === true ? 'over' : this.#reader.read(came.value);
  }

  /** False: enough. */
  async #take(key: Key): Promise<boolean> {
    const playback = this.#playback;
    switch (key.kind) {
      case 'quit':
        return false;
      case 'toggle':
        playback.toggle();
        break;
      case 'faster':
        playback.faster();
        break;
      case 'slower':
        playback.slower();
        break;
      case 'rows':
        await this.#moreRows();
        break;
      case 'help':
        this.#tell(KEYS_HELP);
        break;
      case 'jump':
        await this.#arrived(await playback.jump(key.direction, key.stop), noMore(key));
        break;
      case 'go':
        await this.#arrived(await playback.goTo(key.place), `there is no place "${key.place}" here`);
    }
    return true;
  }

  async #arrived(step: Placed | undefined, otherwise: string): Promise<void> {
    if (step === undefined) this.#tell([otherwise]);
    else await this.#show(step);
  }

  async #show({ number }: Placed): Promise<void> {
    this.#rowsShown = ROWS;
    const read = await this.#steps.read(number);
    this.#isRedacted = read.step.redacted === true;
    if (this.#isRedacted && !this.#wasTold) this.#tell(LEFT_OUT);
    this.#wasTold ||= this.#isRedacted;
    await this.#print(withRows(read, this.#steps.reader, 0, ROWS));
  }

  /** The next page of those rows that a step keeps. */
  async #moreRows(): Promise<void> {
    const number = this.#playback.now?.number;
    if (number === undefined) return;
    const read = await this.#steps.read(number);
    const kept = rowsOf(read.toJson())?.length ?? 0;
    if (this.#rowsShown >= kept) {
      return this.#tell([
        `no more rows are kept of this step; custody export --csv --step ${number} has all`,
      ]);
    }
    const from = this.#rowsShown;
    this.#rowsShown += ROWS;
    await this.#print(withRows(read, this.#steps.reader, from, this.#rowsShown));
  }

  async #print(read: ReadStep): Promise<void> {
    this.#status.clear();
    await print(this.#cli, read.toText(this.#cli.stdout.columns ?? PLAIN_WIDTH));
  }

  #tell(lines: readonly string[]): void {
    this.#status.clear();
    for (const line of lines) say(this.#cli, line);
  }

  #showStatus(): void {
    const { now, speed, isPlaying } = this.#playback;
    const place = this.#reader.typing;
    const where = `step ${now?.number ?? 0} of ${this.#steps.total}, ${clock(now?.at ?? 0)} of ${clock(this.#steps.until)}`;
    const how = place === undefined ? `${isPlaying ? 'playing' : 'paused'} at ${speed}×` : `go to: ${place}`;
    const left = this.#isRedacted ? ', redacted' : '';
    this.#status.show(`-- ${where}${left}, ${how} -- ? for keys -- `);
  }
}

function noMore({ direction, stop }: Extract<Key, { kind: 'jump' }>): string {
  return `there is no ${stop} ${direction === 'next' ? 'after' : 'before'} this one`;
}

function rowsOf(json: JsonStep): readonly unknown[] | undefined {
  const { rows } = json;
  return Array.isArray(rows) ? rows : undefined;
}

/** The step with some of its rows alone, so that a large answer is read page by page. */
function withRows(read: ReadStep, reader: ReplayReader, from: number, to: number): ReadStep {
  const json = read.toJson();
  const rows = rowsOf(json);
  if (rows === undefined || (from === 0 && rows.length <= to)) return read;
  return reader.ofJson({ ...json, rows: rows.slice(from, to) });
}

function clock(us: number): string {
  const seconds = us / 1e6;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - minutes * 60).toFixed(1).padStart(4, '0');
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}
