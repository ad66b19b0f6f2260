import type { TransactionEvent } from '#core/replay/postgres/tap.ts';
import type { TakeParts } from '#core/tasks/shapes.ts';

/** More than these are not told apart: what is rolled back to one of the others counts from the transaction's start. */
const SAVEPOINTS_MAX = 100_000;

/** Which executions were taken back, by their numbers. */
export class Undoing {
  readonly #take: Pick<TakeParts, 'undone' | 'settled'>;
  /** The first of the transaction that is going on. */
  #start = 0;
  #savepoints: { readonly name: string; readonly number: number }[] = [];

  constructor(take: Pick<TakeParts, 'undone' | 'settled'>) {
    this.#take = take;
  }

  /** `next`: the number of the execution that comes next. */
  happened(event: TransactionEvent, next: number): void {
    switch (event.kind) {
      case 'savepoint':
        if (this.#savepoints.length < SAVEPOINTS_MAX)
          this.#savepoints.push({ name: event.name, number: next });
        return;
      case 'release':
        this.#savepoints.splice(Math.max(0, this.#indexOf(event.name)));
        return;
      case 'rollback-to':
        return this.#rollBackTo(this.#indexOf(event.name), next);
      case 'end':
        if (!event.committed) this.#undo(this.#start, next);
        return this.#begin(next);
    }
  }

  /** The recording is over: what was not committed by then never is. */
  finish(next: number): void {
    this.#undo(this.#start, next);
  }

  #rollBackTo(at: number, next: number): void {
    this.#undo(this.#savepoints[at]?.number ?? this.#start, next);
    this.#savepoints.splice(at + 1);
  }

  #undo(from: number, next: number): void {
    if (from < next) this.#take.undone?.(from);
  }

  #begin(next: number): void {
    if (this.#start < next) this.#take.settled?.();
    this.#start = next;
    this.#savepoints = [];
  }

  /** Of the last of this name; -1 where there is none. */
  #indexOf(name: string): number {
    return this.#savepoints.findLastIndex((one) => one.name === name);
  }
}
