import { Problem, problemOf } from './problem.ts';

/** Values of a query; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Sending {
  readonly body: unknown;
  /** Such as `if-match` and `idempotency-key`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'POST' | 'PUT' | 'DELETE';
}

/** A value, and its version for `if-match`. */
export interface Versioned<Value> {
  readonly value: Value;
  readonly etag: string | undefined;
}

/** The gateway's API, in the name of who is signed in. All of it rejects with a Problem. */
export class Api {
  readonly #token: () => Promise<string>;
  readonly #refused: (token: string, problem: Problem) => Promise<void>;

  /**
   * `token`: a good one, made anew where the last is nearly over; rejects with a Problem where there is none. `refused`: hears
   * which the gateway took no more (401), and why.
   */
  constructor(
    token: () => Promise<string>,
    refused: (token: string, problem: Problem) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#token = token;
    this.#refused = refused;
  }

  async get<Value>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Value> {
    return (await this.getVersioned<Value>(path, query, signal)).value;
  }

  async getVersioned<Value>(
    path: string,
    query: Query = {},
    signal?: AbortSignal,
  ): Promise<Versioned<Value>> {
    const response = await this.fetch(path + queryText(query), signal === undefined ? {} : { signal });
    const value = (await response.json()) as Value;
    return { value, etag: response.headers.get('etag') ?? undefined };
  }

  async send<Value>(path: string, { body, headers = {}, method = 'POST' }: Sending): Promise<Value> {
    const response = await this.fetch(path, {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return (response.status === 204 ? undefined : await response.json()) as Value;
  }

  /** The answer itself, where it is a success: for what is no JSON, and for what is streamed. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const token = await this.#token();
    const headers = {
      ...(init.headers as Record<string, string> | undefined),
      authorization: `Bearer ${token}`,
    };
    const response = await reached(path, { ...init, headers });
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (response.status === 401) await this.#refused(token, problem);
    throw problem;
  }
}

/** What anybody may ask, without a token. */
export async function getPublic<Value>(path: string): Promise<Value> {
  const response = await reached(path, {});
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Value;
}

async function reached(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, redirect: 'error', credentials: 'omit', cache: 'no-store' });
  } catch (thrown) {
    if (init.signal?.aborted === true) throw thrown;
    throw new Problem('unreachable', 'the gateway’s API cannot be reached', {
      hint: 'look at your network; the page tries again when you do',
    });
  }
}

export function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
