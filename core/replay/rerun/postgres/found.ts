import type { MayDiffer } from '../may-differ.ts';
import type { Difference, DifferenceKind } from '../report.ts';
import type { Moments } from './explain.ts';

const SHOWN_MAX = 400;

export interface Rules extends MayDiffer {
  readonly moments: Moments;
}

/** What differs in one answer. */
export class Found {
  readonly differences: Difference[] = [];
  /** All that is added was to be expected. */
  because: string | undefined;
  readonly #step: number;
  readonly #statement: string | undefined;

  constructor(step: number, statement: string | undefined) {
    this.#step = step;
    this.#statement = statement === undefined ? undefined : shortened(statement);
  }

  add(
    kind: DifferenceKind,
    recorded: string | undefined,
    rerun: string | undefined,
    more: Pick<Difference, 'row' | 'column' | 'because'> = {},
  ): void {
    const because = more.because ?? this.because;
    this.differences.push({
      step: this.#step,
      kind,
      ...(this.#statement !== undefined && { statement: this.#statement }),
      ...(more.row !== undefined && { row: more.row }),
      ...(more.column !== undefined && { column: more.column }),
      ...(recorded !== undefined && { recorded: shortened(recorded) }),
      ...(rerun !== undefined && { rerun: shortened(rerun) }),
      ...(because !== undefined && { because }),
    });
  }
}

export function shortened(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}
