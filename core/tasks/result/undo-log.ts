/** What has to be done to take something back; `amount`: of it. */
export type TakeBack = (amount: number) => void;

/** What executions did to counts, until it can no longer be taken back. Of many executions of a transaction it holds a few numbers each. */
export class UndoLog {
  #numbers: number[] = [];
  #takeBack: TakeBack[] = [];
  #amounts: number[] = [];

  /** `execution`: its number. */
  add(execution: number, takeBack: TakeBack, amount = 1): void {
    this.#numbers.push(execution);
    this.#takeBack.push(takeBack);
    this.#amounts.push(amount);
  }

  /** Takes back what the executions from this number on did, the last first. */
  undo(from: number): void {
    while ((this.#numbers.at(-1) ?? -1) >= from) {
      this.#numbers.pop();
      this.#takeBack.pop()!(this.#amounts.pop()!);
    }
  }

  settle(): void {
    this.#numbers = [];
    this.#takeBack = [];
    this.#amounts = [];
  }
}
