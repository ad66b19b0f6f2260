import type { Cli } from './cli.ts';

/** One line on standard error that changes, on a terminal only. */
export class StatusLine {
  readonly #cli: Cli;
  #isShown = false;

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  show(text: string): void {
    if (!this.#cli.stderr.isTTY) return;
    this.#cli.stderr.write(`\r\x1b[K${text}`);
    this.#isShown = true;
  }

  /** Before anything else is written there, and at the end. */
  clear(): void {
    if (this.#isShown) this.#cli.stderr.write('\r\x1b[K');
    this.#isShown = false;
  }
}
