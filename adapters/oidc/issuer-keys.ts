import { isWithin } from '#core/age.ts';
import { CustodyError } from '#core/errors.ts';
import { unprovenToken } from '#core/identity/token-refusals.ts';
import type { KeySet } from './key-set.ts';
import { type KeyPlace, type KeySource, keySource } from './key-source.ts';
import { saysItIsOver, type TokenHeader } from './token-form.ts';

const MINUTE = 60_000;
/** Keys this old are asked for anew, and nobody waits for that. */
const REFRESH_AFTER_MS = 5 * MINUTE;
/** Keys this old wait for an answer, so that one that was withdrawn loses its trust; none in time, and they serve on. */
const ASK_FIRST_AFTER_MS = 10 * MINUTE;
/** An issuer that did not answer, or had not the key that a token names, is left alone for so long. */
const LEFT_ALONE_MS = 10_000;
/** Where there are no keys yet, every login waits for them. */
const LEFT_ALONE_AT_FIRST_MS = 1_000;
/** Without an answer for so long, somebody has to look. */
export const AWAY_AFTER_MS = 10 * MINUTE;

export interface Terms {
  readonly algorithms: readonly string[];
  /** How long the last keys serve while the issuer is away. */
  readonly keysLastFor: number;
}

/** An issuer that has not answered for long. */
export interface Away {
  readonly issuer: string;
  readonly ms: number;
  readonly why: string;
}

/**
 * The keys of one issuer, which nobody waits for but the first, and the last good ones while it cannot be reached. What is no
 * set of keys counts as no answer: an error page, or an empty list, withdraws nothing. They live in this process's memory alone,
 * since whoever may write a store of them could make up people: a process that starts while the issuer is away has none.
 */
export class IssuerKeys {
  readonly #issuer: string;
  readonly #source: KeySource;
  readonly #now: () => number;
  readonly #begun: number;
  #known: { readonly set: KeySet; readonly at: number } | undefined;
  /** Since the last answer. */
  #failed: { readonly error: CustodyError; readonly at: number } | undefined;
  #missedAt = -Infinity;
  #looking: Promise<KeySet> | undefined;

  /** `now`: the wall clock, milliseconds. A monotonic one may stand still while a laptop or a function sleeps. */
  constructor(place: KeyPlace, now: () => number = () => Date.now()) {
    this.#issuer = place.issuer;
    this.#source = keySource(place);
    this.#now = now;
    this.#begun = now();
  }

  /** The bytes of the claims. Rejects with `token-invalid`, and with `issuer-unreachable` where that says nothing of the token. */
  async verified(token: string, header: TokenHeader, terms: Terms): Promise<Uint8Array> {
    const known = await this.#current(terms.keysLastFor);
    const set = known.has(header) ? known : await this.#lookAgainFor(header, known);
    if (set.has(header)) return set.verified(token, header, terms.algorithms);
    // Programs show genuine tokens long after the key has gone that signed them, and must not shut out their network by it.
    const isGuess = !saysItIsOver(token, this.#now());
    throw unprovenToken('it names a key that its issuer does not publish', isGuess);
  }

  /** Asks for keys that have become old, so that the first login after a quiet night does not wait. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#age() < REFRESH_AFTER_MS || this.#failedWithin(LEFT_ALONE_MS)) return;
    await this.#look().catch(() => undefined);
  }

  /** Undefined for one that has answered within the last ten minutes, or was not asked since. */
  away(): Away | undefined {
    if (this.#failed === undefined) return undefined;
    const ms = this.#now() - (this.#known?.at ?? this.#begun);
    const why = this.#failed.error.detail ?? '';
    return ms < AWAY_AFTER_MS ? undefined : { issuer: this.#issuer, ms, why };
  }

  async #current(keysLastFor: number): Promise<KeySet> {
    const age = this.#age();
    if (age < REFRESH_AFTER_MS) return this.#known!.set;
    if (age >= keysLastFor) return this.#atFirst();
    const { set } = this.#known!;
    // One that has failed to answer of late is waited for by nobody: its next answer counts for the login after.
    const waits = age >= ASK_FIRST_AFTER_MS && !this.#failedWithin(REFRESH_AFTER_MS);
    const looked = this.refresh();
    if (!waits) return set;
    await looked;
    return this.#known!.set;
  }

  #atFirst(): Promise<KeySet> {
    return this.#failedWithin(LEFT_ALONE_AT_FIRST_MS) ? Promise.reject(this.#failed!.error) : this.#look();
  }

  /**
   * For a key that is not known: a new one, or one that somebody has made up. Anybody can make up tokens, and shall not make the
   * gateway ask all the time.
   */
  async #lookAgainFor(header: TokenHeader, known: KeySet): Promise<KeySet> {
    if (this.#failedWithin(LEFT_ALONE_MS)) throw this.#failed!.error;
    if (this.#within(this.#missedAt, LEFT_ALONE_MS)) return known;
    const set = await this.#look(() => this.#source.again());
    if (!set.has(header)) this.#missedAt = this.#now();
    return set;
  }

  /** One question at a time, whoever waits for its answer. */
  #look(ask = () => this.#source.all()): Promise<KeySet> {
    this.#looking ??= this.#ask(ask).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #ask(ask: () => Promise<KeySet>): Promise<KeySet> {
    const at = this.#now();
    try {
      const set = await ask();
      this.#known = { set, at };
      this.#failed = undefined;
      return set;
    } catch (cause) {
      this.#failed = { error: unreachable(cause), at: this.#now() };
      throw this.#failed.error;
    }
  }

  /** Infinite where there are none. By a clock that was set back they may be of any age: then the issuer is asked first. */
  #age(): number {
    if (this.#known === undefined) return Infinity;
    const age = this.#now() - this.#known.at;
    return age < 0 ? ASK_FIRST_AFTER_MS : age;
  }

  #failedWithin(ms: number): boolean {
    return this.#failed !== undefined && this.#within(this.#failed.at, ms);
  }

  #within(at: number, ms: number): boolean {
    return isWithin(at, ms, this.#now());
  }
}

/** An issuer that is away says nothing about a token: whoever shows it is not refused for it, and it counts for no guess. */
function unreachable(cause: unknown): CustodyError {
  return new CustodyError(
    'issuer-unreachable',
    'the identity provider cannot be reached to check the token',
    {
      hint: 'try again; if it stays so, tell whoever runs the gateway',
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    },
  );
}
