import { type Budget, weightOfPortal, weightOfPrepared, weightOfValues } from './memory.ts';
import { isStatement, type Operation } from './operations.ts';

/** What waits for an answer, in the order of sending; what its operations hold is charged to the budget. */
export class Pipeline {
  readonly #budget: Budget;
  #items: Operation[] = [];
  /** Where the queue begins in `#items`: taking the first does not move the rest. */
  #head = 0;
  #copyEnds = 0;
  #syncs = 0;

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
    this.#count(operation, 1);
    return true;
  }

  /** The first that is answered: what is not is dropped. */
  first(): Operation | undefined {
    for (let item = this.#items[this.#head]; item !== undefined; item = this.#items[this.#head]) {
      if (item.kind !== 'copy-end' && item.kind !== 'passed') return item;
      this.shift();
    }
    return undefined;
  }

  shift(): Operation | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#budget.giveBack(weightOf(item));
    this.#count(item, -1);
    this.#head++;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
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
   * A COPY begins to take data: the server passes over every Sync until the data ends. Takes out those before the mark
   * of that end, and the mark; false when the client has not sent the end yet.
   */
  passSyncs(): boolean {
    if (this.#copyEnds === 0 && this.#syncs === 0) return false;
    for (let at = this.#head; at < this.#items.length; at++) {
      const { kind } = this.#items[at]!;
      if (kind === 'sync' || kind === 'copy-end') this.#pass(at);
      if (kind === 'copy-end') return true;
    }
    return false;
  }

  #pass(at: number): void {
    const passed = this.#items[at]!;
    this.#count(passed, -1);
    this.#items[at] = { kind: 'passed', at: passed.at };
  }

  /** How many of the kinds that a COPY looks for there are: it need not look for none. */
  #count({ kind }: Operation, by: 1 | -1): void {
    if (kind === 'copy-end') this.#copyEnds += by;
    if (kind === 'sync') this.#syncs += by;
  }
}

const OPERATION_BYTES = 200;

function weightOf(operation: Operation): number {
  if (operation.kind === 'parse') return OPERATION_BYTES + weightOfPrepared(operation.prepared);
  if (operation.kind === 'bind') return OPERATION_BYTES + weightOfPortal(operation.portal);
  if (!isStatement(operation) || operation.kind === 'execute') return OPERATION_BYTES;
  return OPERATION_BYTES + (operation.text?.bytes.length ?? 0) + weightOfValues(operation.values ?? []);
}
