import { isWithin } from '#core/age.ts';
import type { CustodyError } from '#core/errors.ts';
import { parseJsonBytes } from '#core/json.ts';
import { isLoopback } from '#core/loopback.ts';
import { cannotSay } from './failures.ts';

const CALL_MS = 3_000;
/** A page of 999 groups with long names. */
const BODY_MAX_BYTES = 2 << 20;
/** After a failure that is not about one person. */
const REST_MS = 10_000;
const REST_MAX_MS = 5 * 60_000;

export interface Ask {
  readonly url: URL;
  /** A form that is posted; a GET without. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Told {
  readonly status: number;
  /** JSON; undefined where there is none that can be read. */
  readonly body: unknown;
}

export interface HttpOptions {
  /** The wall clock, milliseconds; for how long it is left alone. */
  readonly now: () => number;
  /** How long one call may take. */
  readonly callMs?: number;
}

/**
 * The HTTP of one directory: https, or http on this machine; no redirect is followed; bounded in time and size. A directory that is
 * away, broken or asks for patience (RFC 6585 section 4) is left alone for a while, so that logins do not wait for it one by one.
 */
export class DirectoryHttp {
  readonly #now: () => number;
  readonly #callMs: number;
  #rests = { at: -Infinity, ms: 0 };

  constructor({ now, callMs = CALL_MS }: HttpOptions) {
    this.#now = now;
    this.#callMs = callMs;
  }

  /** Every answer below 500 but 429. Rejects with `issuer-unreachable`. */
  async ask({ url, form, headers, signal }: Ask): Promise<Told> {
    if (isWithin(this.#rests.at, this.#rests.ms, this.#now()))
      throw cannotSay('it is left alone after a failure');
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
      throw cannotSay(`${url.origin} is not https`);
    const inTime = AbortSignal.timeout(this.#callMs);
    const response = await fetch(url, {
      redirect: 'error',
      headers: { accept: 'application/json', ...headers },
      signal: signal === undefined ? inTime : AbortSignal.any([inTime, signal]),
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    }).catch((thrown: unknown) => {
      throw this.#notAnswered(url, thrown, signal);
    });
    const { status } = response;
    if (status !== 429 && status < 500) return { status, body: await this.#bodyOf(response, url, signal) };
    await response.body?.cancel();
    this.#rest(Number(response.headers.get('retry-after')) * 1000 || REST_MS);
    throw cannotSay(`${url.origin} answered ${status}`);
  }

  async #bodyOf({ body }: Response, url: URL, signal: AbortSignal | undefined): Promise<unknown> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of body ?? []) {
        size += chunk.byteLength;
        if (size > BODY_MAX_BYTES) throw cannotSay(`${url.origin} answered with more than 2 MiB`);
        chunks.push(chunk);
      }
    } catch (thrown) {
      throw size > BODY_MAX_BYTES ? thrown : this.#notAnswered(url, thrown, signal);
    }
    try {
      return parseJsonBytes(Buffer.concat(chunks), BODY_MAX_BYTES);
    } catch {
      return undefined;
    }
  }

  /** What fetch throws may quote the URL, which names a person: of it only a code is kept (security case 15). */
  #notAnswered({ origin }: URL, thrown: unknown, signal: AbortSignal | undefined): CustodyError {
    const { name, cause } = thrown as Error;
    const { code, message } = (cause ?? {}) as { readonly code?: unknown; readonly message?: unknown };
    // That the login's own time is over says little about the directory.
    if (signal?.aborted !== true) this.#rest(REST_MS);
    if (name === 'TimeoutError' || signal?.aborted === true) return cannotSay(`${origin} is too slow`);
    if (message === 'unexpected redirect') return cannotSay(`${origin} answered with a redirect`);
    const isCode = typeof code === 'string' && /^[A-Z0-9_]+$/.test(code);
    return cannotSay(`${origin} cannot be reached${isCode ? ` (${code})` : ''}`);
  }

  #rest(ms: number): void {
    this.#rests = { at: this.#now(), ms: Math.min(ms, REST_MAX_MS) };
  }
}
