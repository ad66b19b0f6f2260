import type { Away } from './issuer-keys.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { KeyPlace } from './key-source.ts';

type Place = Omit<KeyPlace, 'allowHttpLoopback'>;

/**
 * The keys of all issuers. It outlives any one configuration: a file that is changed while an issuer is away must not lose its last
 * good keys.
 */
export class Keyring {
  readonly #now: (() => number) | undefined;
  readonly #keys = new Map<string, IssuerKeys>();

  /** `now`: the wall clock, milliseconds. */
  constructor(now?: () => number) {
    this.#now = now;
  }

  of(place: Place): IssuerKeys {
    const name = nameOf(place);
    const keys = this.#keys.get(name) ?? new IssuerKeys({ ...place, allowHttpLoopback: true }, this.#now);
    this.#keys.set(name, keys);
    return keys;
  }

  /** Forgets all but these. */
  keep(places: readonly Place[]): void {
    const names = new Set(places.map(nameOf));
    for (const name of this.#keys.keys()) if (!names.has(name)) this.#keys.delete(name);
  }

  /** For a process that runs all the time, each minute. Never rejects. */
  async refresh(): Promise<void> {
    await Promise.all(Array.from(this.#keys.values(), (keys) => keys.refresh()));
  }

  /** The issuers that have not answered for ten minutes or more. */
  away(): readonly Away[] {
    return Array.from(this.#keys.values(), (keys) => keys.away()).filter((away) => away !== undefined);
  }
}

function nameOf({ issuer, jwksUri, jwksFile }: Place): string {
  return JSON.stringify([issuer, jwksUri, jwksFile]);
}
