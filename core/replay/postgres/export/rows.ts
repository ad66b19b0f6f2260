/** All rows of a result, value by value as steps show them, for whoever pages through it. */
import type { Frames, RowSink } from '../../export/exports.ts';
import type { JsonStep } from '../../reader.ts';
import { postgresStepJson } from '../shape.ts';
import { REPLAY_LIMITS, type Step } from '../step.ts';
import { postgresSteps } from '../steps.ts';
import type { Answering } from '../tap.ts';
import { type CutValue, showValue } from '../values.ts';
import { QuietTap } from './quiet-tap.ts';

class RowsTap extends QuietTap {
  readonly #sink: RowSink;
  readonly #last: number;
  #answering: Answering | undefined;
  #steps = 0;

  /** `last`: the step that is wanted. */
  constructor(sink: RowSink, last: number) {
    super();
    this.#sink = sink;
    this.#last = last;
  }

  /** What comes behind the wanted step in the same frame is no part of it. */
  get #isOver(): boolean {
    return this.#steps >= this.#last;
  }

  override answers(answering: Answering): void {
    if (this.#isOver) return;
    this.#answering = answering;
    this.#sink.begin();
  }

  override row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void {
    if (this.#isOver) return;
    const { answer, texts } = this.#answering!;
    const types = answer.described;
    this.#sink.row(
      values.map((value, at) =>
        value === null
          ? null
          : showValue(value, types?.[at]?.type ?? 0, formatOf(at), REPLAY_LIMITS.value, (one, most) =>
              texts.shown(one, most),
            ),
      ),
    );
  }

  override step(_step: Step): void {
    this.#steps += 1;
  }
}

/** The step, where it has a result; its rows are in the sink then. */
export async function readRows(frames: Frames, wanted: number, sink: RowSink): Promise<JsonStep | undefined> {
  let number = 0;
  const tap = new RowsTap(sink, wanted);
  for await (const step of postgresSteps(frames, REPLAY_LIMITS, () => undefined, tap)) {
    if ((number += 1) !== wanted) continue;
    return step.columns === undefined && step.rowCount === undefined ? undefined : postgresStepJson(step);
  }
  return undefined;
}
