import { type Budget, weightOfPortal, weightOfPrepared, weightOfValues } from './memory.ts';
import { isStatement, type Operation } from './operations.ts';

/** What waits for an answer, in the order of sending; what its operations hold is charged to the budget. */
export class Pipeline {
  readonly #budget: Budget;
  #items: Operation[] = [];
  /** Where the queue begins in `#items`: taking the first does not move the rest. */
  #head = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** False when the budget does not allow it: it is then not in the queue. */
  push(operation: Operation): boolean {
    if (!this.#budget.take(weightOf(operation))) return false;
    this.#items.push(operation);
    return true;
  }

  /** The first that is answered: marks before it are dropped. */
  first(): Operation | undefined {
    while (this.#items[this.#head]?.kind === 'copy-end') this.shift();
    return this.#items[this.#head];
  }

  shift(): Operation | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#budget.giveBack(weightOf(item));
    this.#head++;
    if (this.#head * 2 > this.#items.length) this.#replace(this.#items.slice(this.#head));
    return item;
  }

  remove(gone: (operation: Operation) => boolean): void {
    const all = this.#items.slice(this.#head);
    for (const operation of all) if (gone(operation)) this.#budget.giveBack(weightOf(operation));
    this.#replace(all.filter((operation) => !gone(operation)));
  }

  /** Those before the next Sync. */
  *untilSync(): Generator<Operation> {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at]!;
      if (item.kind === 'sync') return;
      yield item;
    }
  }

  /**
   * A COPY begins to take data: the server passes over every Sync until the data ends. Drops them up to the mark of
   * that end, and the mark; false when the client has not sent the end yet.
   */
  passSyncs(): boolean {
    const all = this.#items.slice(this.#head);
    const end = all.findIndex(({ kind }) => kind === 'copy-end');
    const passed = new Set(all.slice(0, end === -1 ? all.length : end).filter(({ kind }) => kind === 'sync'));
    if (end !== -1) passed.add(all[end]!);
    if (passed.size > 0) this.remove((operation) => passed.has(operation));
    return end !== -1;
  }

  #replace(items: Operation[]): void {
    this.#items = items;
    this.#head = 0;
  }
}

const OPERATION_BYTES = 200;

function weightOf(operation: Operation): number {
  if (operation.kind === 'parse') return OPERATION_BYTES + weightOfPrepared(operation.prepared);
  if (operation.kind === 'bind') return OPERATION_BYTES + weightOfPortal(operation.portal);
  if (!isStatement(operation) || operation.kind === 'execute') return OPERATION_BYTES;
  return OPERATION_BYTES + (operation.text?.bytes.length ?? 0) + weightOfValues(operation.values ?? []);
}
