import type { CustodyError, ErrorCode } from '#core/errors.ts';
import type { Log } from './log.ts';

const REFUSED: readonly ErrorCode[] = ['token-invalid', 'token-missing', 'too-many-failures'];
const FAILED: readonly ErrorCode[] = ['recording-failed', 'store-unavailable', 'task-fenced'];
/** What is looked for beside sessions may fail without any of them: it is looked for again. */
const OF_SESSIONS: readonly string[] = ['session-error', 'refused', 'seal-failed', 'abandoned'];

export type Counts = Readonly<
  Record<
    | 'RefusedTokens'
    | 'RefusedPeers'
    | 'RecorderFailures'
    | 'BreakGlass'
    | 'DirectoryFailures'
    | 'IssuersAway',
    number
  >
>;

/** What happened since the last look, by what was logged. */
export class Tally {
  #refusedTokens = 0;
  #refusedPeers = 0;
  #recorderFailures = 0;
  #brokenGlass = 0;
  #directoryFailures = 0;
  #issuersAway = 0;

  /** A log that counts what passes through it. */
  counting(log: Log): Log {
    return (event, error, facts) => {
      this.#count(event, error, facts?.['reason']);
      log(event, error, facts);
    };
  }

  /** Somebody broke the glass, and this task is the one that tells. */
  readonly alarm = (): void => {
    this.#brokenGlass += 1;
  };

  /** The counts, which begin anew. */
  take(): Counts {
    const taken = {
      RefusedTokens: this.#refusedTokens,
      RefusedPeers: this.#refusedPeers,
      RecorderFailures: this.#recorderFailures,
      BreakGlass: this.#brokenGlass,
      DirectoryFailures: this.#directoryFailures,
      IssuersAway: this.#issuersAway,
    };
    this.#refusedTokens = 0;
    this.#refusedPeers = 0;
    this.#recorderFailures = 0;
    this.#brokenGlass = 0;
    this.#directoryFailures = 0;
    this.#issuersAway = 0;
    return taken;
  }

  #count(event: string, error: CustodyError | undefined, reason: unknown): void {
    if (reason === 'recording-failed') this.#recorderFailures += 1;
    if (error === undefined) return;
    if (event === 'directory-failed') this.#directoryFailures += 1;
    if (event === 'peer-refused') this.#refusedPeers += 1;
    if (event === 'issuer-away') this.#issuersAway += 1;
    if (REFUSED.includes(error.code)) this.#refusedTokens += 1;
    const failed = OF_SESSIONS.includes(event) && FAILED.includes(error.code);
    if (failed || event === 'seal-failed') this.#recorderFailures += 1;
  }
}
