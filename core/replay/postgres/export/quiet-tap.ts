import type { CopyRun } from '../copy-run.ts';
import type { Step } from '../step.ts';
import type { Answering, Tap, TransactionEvent } from '../tap.ts';
import type { CutValue } from '../values.ts';

/** A tap that keeps nothing. */
export class QuietTap implements Tap {
  get copyRun(): CopyRun | undefined {
    return undefined;
  }

  said(_by: 'target' | 'gateway'): void {}
  answers(_answering: Answering): void {}
  row(_values: readonly (CutValue | null)[], _formatOf: (column: number) => number): void {}
  copied(_by: 'client' | 'server', _bytes: Uint8Array): void {}
  copyEnds(): void {}
  copyBegins(): void {}
  ready(): void {}
  ending(): void {}
  transaction(_event: TransactionEvent): void {}
  step(_step: Step): void {}
}
