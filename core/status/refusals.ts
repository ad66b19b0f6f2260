import { tokenPart } from '../identity/token-part.ts';
import type { Door, RefusedCount } from './pulse.ts';

const TEN_MINUTES_MS = 600_000;
const KEPT_MS = 70 * 60_000;

interface NamedIssuer {
  readonly name: string;
  readonly issuer: string;
}

/** Counts what one process refuses, by ten minutes, for a little more than an hour: no guesser makes it grow. */
export class RefusalCounter {
  readonly #counts = new Map<string, RefusedCount>();
  readonly #door: Door;
  readonly #now: () => Date;

  constructor(door: Door, now: () => Date) {
    this.#door = door;
    this.#now = now;
  }

  /** `code` and `issuer` are of ours: an error's, and a name of the configuration. */
  note(code: string, issuer?: string): void {
    const from = new Date(Math.floor(this.#now().getTime() / TEN_MINUTES_MS) * TEN_MINUTES_MS);
    const key = JSON.stringify([from.getTime(), code, issuer]);
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    const of = issuer === undefined ? {} : { issuer };
    this.#counts.set(key, { from, door: this.#door, code, ...of, count });
  }

  /** Of the last hour and a little more. */
  counts(): readonly RefusedCount[] {
    const oldest = this.#now().getTime() - KEPT_MS;
    for (const [key, { from }] of this.#counts) if (from.getTime() < oldest) this.#counts.delete(key);
    return [...this.#counts.values()];
  }
}

/** The configuration's name of the issuer that a token says it is of. */
export function claimedIssuer(
  token: string | undefined,
  issuers: readonly NamedIssuer[],
): string | undefined {
  const claimed = tokenPart(token?.split('.', 2)[1])?.['iss'];
  return issuers.find(({ issuer }) => issuer === claimed)?.name;
}
