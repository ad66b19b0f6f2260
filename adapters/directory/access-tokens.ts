import { isWithin } from '#core/age.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { isJsonObject } from '#core/json.ts';
import { cannotSay } from './failures.ts';
import type { Told } from './http.ts';

/** A token is not used in its last minute: clocks differ, and calls take a while. */
const SPARE_MS = 60_000;
const LIFETIME_MAX_S = 24 * 3600;
/** Logins do not try a credential that is not taken one by one. */
const REST_MS = 10_000;

interface Kept {
  readonly token: string;
  readonly until: number;
}

/** The access token of one directory, for as long as it is good: one request for all who wait for it. */
export class AccessTokens {
  readonly #ask: () => Promise<Told>;
  readonly #now: () => number;
  #kept: Kept | undefined;
  #asking: Promise<Kept> | undefined;
  #failed: { readonly at: number; readonly error: CustodyError } | undefined;

  /** `ask`: the token endpoint's answer (RFC 6749 section 5). `now`: the wall clock, milliseconds. */
  constructor(ask: () => Promise<Told>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Rejects with `issuer-unreachable`. */
  async get(): Promise<string> {
    if (this.#kept !== undefined && this.#now() < this.#kept.until) return this.#kept.token;
    if (this.#failed !== undefined && isWithin(this.#failed.at, REST_MS, this.#now()))
      throw this.#failed.error;
    this.#asking ??= this.#renew().finally(() => (this.#asking = undefined));
    return (await this.#asking).token;
  }

  /** The directory did not take it. */
  forget(token: string): void {
    if (this.#kept?.token === token) this.#kept = undefined;
  }

  async #renew(): Promise<Kept> {
    try {
      this.#kept = await this.#fetch();
      return this.#kept;
    } catch (thrown) {
      this.#failed = { at: this.#now(), error: noCredential(asCustodyError(thrown)) };
      throw this.#failed.error;
    }
  }

  async #fetch(): Promise<Kept> {
    const since = this.#now();
    const { status, body } = await this.#ask();
    const { access_token: token, expires_in: lifetime, error } = isJsonObject(body) ? body : {};
    if (status !== 200) throw cannotSay(`no access token: ${status}${code(error)}`);
    if (typeof token !== 'string' || !/^[!-~]+$/.test(token))
      throw cannotSay('no access token in the answer');
    // Microsoft has sent it as a text.
    const seconds = Math.min(Number(lifetime) || 0, LIFETIME_MAX_S);
    return { token, until: since + seconds * 1000 - SPARE_MS };
  }
}

/** RFC 6749 section 5.2; the description may quote what was sent. */
function code(error: unknown): string {
  return typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? ` ${error}` : '';
}

/** A secret that cannot be read is no fault of whoever logs in. */
function noCredential(error: CustodyError): CustodyError {
  if (error.code === 'issuer-unreachable') return error;
  return cannotSay(`no credential: ${error.detail ?? error.message}`, error);
}
