import type { MayDiffer } from '../may-differ.ts';
import type { Difference, DifferenceKind } from '../report.ts';
import type { Moments } from './explain.ts';
import type { Flows } from './flows.ts';

const SHOWN_MAX = 400;

export interface Rules extends MayDiffer {
  readonly moments: Moments;
  readonly flows: Flows;
}

type More = Pick<Difference, 'row' | 'column' | 'because' | 'perhaps'>;

/** What differs in one answer. */
export class Found {
  readonly differences: Difference[] = [];
  /** All that is added was to be expected. */
  because: string | undefined;
  /** Of what is not: what may explain it. */
  perhaps: string | undefined;
  readonly #step: number;
  readonly #statement: string | undefined;

  constructor(step: number, statement: string | undefined) {
    this.#step = step;
    this.#statement = statement === undefined ? undefined : shortened(statement);
  }

  add(kind: DifferenceKind, recorded: string | undefined, rerun: string | undefined, more: More = {}): void {
    const because = more.because ?? this.because;
    const perhaps = because === undefined ? (more.perhaps ?? this.perhaps) : undefined;
    this.differences.push({
      step: this.#step,
      kind,
      ...(this.#statement !== undefined && { statement: this.#statement }),
      ...(more.row !== undefined && { row: more.row }),
      ...(more.column !== undefined && { column: more.column }),
      ...(recorded !== undefined && { recorded: shortened(recorded) }),
      ...(rerun !== undefined && { rerun: shortened(rerun) }),
      ...(because !== undefined && { because }),
      ...(perhaps !== undefined && { perhaps }),
    });
  }
}

export function shortened(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}
