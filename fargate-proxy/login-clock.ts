import { CustodyError } from '#core/errors.ts';

/** Bounds what a login may take. Aborts its signal when the time is over. */
export class LoginClock {
  readonly #ms: number;
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** Runs from now on. */
  constructor(ms: number) {
    this.#ms = ms;
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** The client is not to blame for what comes now, which has a bound of its own. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** `ms`: of a limit of its own, which has words of its own. */
  restart(ms = this.#ms, words: () => CustodyError = tooSlow): void {
    this.stop();
    this.#timer = setTimeout(() => this.#over.abort(words()), ms);
  }
}

function tooSlow(): CustodyError {
  return new CustodyError('too-slow', 'the login took too long', { hint: 'connect again' });
}
