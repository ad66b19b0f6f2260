import { CustodyError } from '#core/errors.ts';
import type { Frames, TableOptions, TableSink } from '../../export/exports.ts';
import type { ReplayFrame } from '../../step.ts';
import type { Step } from '../step.ts';
import { postgresSteps } from '../steps.ts';
import type { Answering } from '../tap.ts';
import { type CutValue, showValue } from '../values.ts';
import { csvLine } from './csv.ts';
import { EXPORT_LIMITS } from './limits.ts';
import { QuietTap } from './quiet-tap.ts';

/** Rows of the results, as lines that wait to be taken. */
class RowTap extends QuietTap {
  readonly #options: TableOptions;
  readonly #last: number;
  /** Undefined where another result begins. */
  #pieces: (string | undefined)[] = [];
  #answering: Answering | undefined;
  #hasHeader = false;
  #isCut = false;
  steps = 0;

  /** `last`: the step that is wanted. */
  constructor(options: TableOptions, last: number) {
    super();
    this.#options = options;
    this.#last = last;
  }

  /** A value was longer than what is read of a message. */
  get isCut(): boolean {
    return this.#isCut;
  }

  take(): (string | undefined)[] {
    const taken = this.#pieces;
    this.#pieces = [];
    return taken;
  }

  /** The step that is wanted is complete: what comes behind it in the same frame is no part of it. */
  get #isOver(): boolean {
    return this.steps >= this.#last;
  }

  override answers(answering: Answering): void {
    if (this.#isOver) return;
    this.#answering = answering;
    this.#hasHeader = false;
    this.#isCut = false;
    this.#pieces = [undefined];
  }

  override row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void {
    if (this.#isOver) return;
    this.#header(values.length);
    const { answer, texts } = this.#answering!;
    const cells = values.map((value, at) => {
      if (value === null) return null;
      this.#isCut ||= value.bytes.length < value.length;
      const type = answer.described?.[at]?.type ?? 0;
      const shown = showValue(value, type, formatOf(at), EXPORT_LIMITS.value, (one, most) =>
        texts.shown(one, most),
      );
      return shown.text;
    });
    this.#pieces.push(csvLine(cells, this.#options));
  }

  override ending(): void {
    const columns = this.#answering?.answer.described;
    if (columns !== undefined && !this.#isOver) this.#header(columns.length);
  }

  override step(_step: Step): void {
    this.steps += 1;
  }

  #header(count: number): void {
    if (this.#hasHeader) return;
    this.#hasHeader = true;
    const names = this.#answering!.answer.columns?.map(({ name }) => name) ?? [];
    const all = Array.from({ length: count }, (_, at) => names[at] ?? `column${at + 1}`);
    this.#pieces.push(csvLine(all, { ...this.#options, nullText: '' }));
  }
}

/** Rows of a result are given on while it is read: no more of them are in memory than a frame has. */
export async function writeTable(
  frames: Frames,
  wanted: number,
  options: TableOptions,
  sink: TableSink,
): Promise<boolean> {
  const tap = new RowTap(options, wanted);
  const flush = async (): Promise<void> => {
    const pieces = tap.take();
    const last = pieces.lastIndexOf(undefined);
    if (last >= 0) await sink.begin();
    const text = pieces.slice(last + 1).join('');
    if (text !== '') await sink.text(text);
  };
  let step = 0;
  for await (const shown of postgresSteps(paced(frames, flush), EXPORT_LIMITS, () => undefined, tap)) {
    if ((step += 1) !== wanted) continue;
    if (shown.columns === undefined && shown.rowCount === undefined) return false;
    if (tap.isCut) throw tooLong(wanted);
    await flush();
    return true;
  }
  return false;
}

/** Each frame once what the ones before it brought is taken. */
async function* paced(frames: Frames, flush: () => Promise<void>): AsyncGenerator<ReplayFrame> {
  for await (const frame of frames) {
    await flush();
    yield frame;
  }
}

function tooLong(step: number): CustodyError {
  return new CustodyError('unsupported', `a row of step ${step} is longer than what is read of a message`, {
    hint: 'custody export --raw target has all bytes',
  });
}
