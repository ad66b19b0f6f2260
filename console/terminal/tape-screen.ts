/** The screen of a tape at a moment. */
import type { TerminalEvent } from '#core/replay/terminal.ts';
import { PLAIN_SIZE } from '#core/replay/terminal.ts';
import { Emulator } from './emulator.ts';
import { fromKeyframe, keyframeOf } from './keyframe.ts';
import { Keyframes } from './keyframes.ts';
import { type Row, RowReader } from './rows.ts';
import type { Tape, TapePlace } from './tape.ts';

/** Drawn at a time, before it is looked whether anybody still wants it. */
const SLICE_BYTES = 128 << 10;

export class TapeScreen {
  readonly #tape: Tape;
  readonly #keyframes = new Keyframes();
  readonly #rows = new RowReader();
  #emulator: Emulator;
  #isTerminal = true;
  #place: TapePlace = { chunk: 0, index: 0 };
  #at = -1;
  #bytes = 0;

  constructor(tape: Tape) {
    this.#tape = tape;
    this.#emulator = new Emulator(PLAIN_SIZE, true);
  }

  /** Of the last event that is drawn. */
  get at(): number {
    return this.#at;
  }

  /** Draws what was seen up to a moment, a slice at a time for as long as it is wanted. */
  async seek(us: number, isWanted: () => boolean = () => true): Promise<void> {
    this.#begin(us);
    while (isWanted()) {
      const found = await this.#tape.next(this.#place);
      if (found === undefined) return;
      this.#place = found.place;
      if (!(await this.#slice(found.events, us))) return;
    }
  }

  rows(): readonly Row[] {
    return this.#rows.read(this.#emulator.terminal);
  }

  get columns(): number {
    return this.#emulator.terminal.cols;
  }

  dispose(): void {
    this.#emulator.dispose();
  }

  /** From the nearest state that is known, where that is not the one at hand. */
  #begin(us: number): void {
    const known = this.#keyframes.before(us);
    if (us >= this.#at && (known === undefined || known.bytes <= this.#bytes)) return;
    this.#emulator.dispose();
    this.#emulator = known === undefined ? new Emulator(PLAIN_SIZE, true) : fromKeyframe(known.frame);
    this.#isTerminal = known?.frame.isTerminal ?? true;
    this.#place = known?.place ?? { chunk: 0, index: 0 };
    this.#at = known?.at ?? -1;
    this.#bytes = known?.bytes ?? 0;
  }

  /** False where the next event is of a later moment. */
  async #slice(events: readonly TerminalEvent[], us: number): Promise<boolean> {
    const end = this.#bytes + SLICE_BYTES;
    const drawn: Promise<void>[] = [];
    let { index } = this.#place;
    for (; index < events.length && this.#bytes < end; index += 1) {
      const event = events[index]!;
      if (event.at > us) break;
      if (event.kind === 'output') {
        this.#bytes += event.bytes.length;
        drawn.push(this.#emulator.write(event.bytes));
      } else await this.#change(event, drawn);
      this.#at = event.at;
    }
    await Promise.all(drawn);
    this.#place = { ...this.#place, index };
    this.#keep();
    return index === events.length || events[index]!.at <= us;
  }

  async #change(event: TerminalEvent, drawn: readonly Promise<void>[]): Promise<void> {
    if (event.kind === 'resize') {
      await Promise.all(drawn);
      this.#emulator.resize(event);
    } else if (event.kind === 'start') {
      this.#emulator.dispose();
      this.#isTerminal = event.isTerminal;
      this.#emulator = new Emulator(event, event.isTerminal);
    }
  }

  #keep(): void {
    if (!this.#keyframes.isDue(this.#bytes)) return;
    const frame = keyframeOf(this.#emulator, this.#isTerminal);
    if (frame === undefined) return;
    this.#keyframes.add({ frame, at: this.#at, place: this.#place, bytes: this.#bytes });
  }
}
