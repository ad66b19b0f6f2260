import { isWithin } from '#core/age.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import type { DirectoryPerson, GroupDirectory } from '#core/identity/directory.ts';

const PEOPLE_MAX = 5_000;
const GROUPS_MAX = 200_000;
/** Whoever could not be looked up is not looked up again at once: a pool of connections that fails tries all the time. */
const REST_MS = 10_000;

export interface CacheOptions {
  /** Milliseconds: how long an answer counts, and for how long it does while the directory does not answer. */
  readonly cacheFor: number;
  readonly staleFor: number;
  /** The claims by which the directory finds people. */
  readonly claims: readonly string[];
  /** The wall clock, milliseconds. */
  readonly now: () => number;
  /** The directory failed, whether or not an older answer served. */
  readonly onTrouble: (error: CustodyError) => void;
  /** How much is kept at most, the newest of it; 5000 people and 200 000 groups when not given. */
  readonly peopleMax?: number;
  readonly groupsMax?: number;
}

interface Answer {
  readonly at: number;
  readonly groups: readonly string[];
}

interface Failure {
  readonly at: number;
  readonly error: CustodyError;
}

interface Kept {
  readonly answer?: Answer;
  readonly failure?: Failure;
}

/** A directory whose answers count for a while; one question for all logins of a person that wait for the same. */
export function cachedDirectory(directory: GroupDirectory, options: CacheOptions): GroupDirectory {
  const cache = new DirectoryCache(directory, options);
  return { groupsOf: (person) => cache.groupsOf(person) };
}

class DirectoryCache {
  readonly #directory: GroupDirectory;
  readonly #options: CacheOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<readonly string[]>>();
  #groups = 0;

  constructor(directory: GroupDirectory, options: CacheOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  async groupsOf(person: DirectoryPerson): Promise<readonly string[]> {
    const key = this.#keyOf(person);
    const kept = this.#kept.get(key) ?? {};
    if (this.#isWithin(kept.answer, this.#options.cacheFor)) return kept.answer.groups;
    if (this.#isWithin(kept.failure, REST_MS)) return this.#olderAnswer(kept, kept.failure.error);
    return this.#asking.get(key) ?? this.#askOnce(key, person);
  }

  #askOnce(key: string, person: DirectoryPerson): Promise<readonly string[]> {
    const asking = this.#ask(key, person).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(key: string, person: DirectoryPerson): Promise<readonly string[]> {
    const at = this.#options.now();
    try {
      const groups = await this.#directory.groupsOf(person);
      this.#keep(key, { answer: { at, groups } });
      return groups;
    } catch (thrown) {
      return this.#failed(key, asCustodyError(thrown));
    }
  }

  #failed(key: string, error: CustodyError): readonly string[] {
    const failure = { at: this.#options.now(), error };
    // What the directory says of somebody is an answer: they are not known any more, say.
    if (error.code === 'access-denied' || error.code === 'token-invalid') {
      this.#keep(key, { failure });
      throw error;
    }
    this.#options.onTrouble(error);
    const kept = { ...this.#kept.get(key), failure };
    this.#keep(key, kept);
    return this.#olderAnswer(kept, error);
  }

  #olderAnswer({ answer }: Kept, error: CustodyError): readonly string[] {
    if (this.#isWithin(answer, this.#options.staleFor)) return answer.groups;
    throw error;
  }

  #isWithin<T extends { readonly at: number }>(one: T | undefined, ms: number): one is T {
    return one !== undefined && isWithin(one.at, ms, this.#options.now());
  }

  /** The subject alone could name two people to a directory that goes by something else. */
  #keyOf({ subject, email, claims }: DirectoryPerson): string {
    const named = this.#options.claims.map((claim) => (Object.hasOwn(claims, claim) ? claims[claim] : null));
    return JSON.stringify([subject, email ?? null, named]);
  }

  #keep(key: string, kept: Kept): void {
    const { peopleMax = PEOPLE_MAX, groupsMax = GROUPS_MAX } = this.#options;
    this.#drop(key);
    this.#kept.set(key, kept);
    this.#groups += sizeOf(kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= peopleMax && this.#groups <= groupsMax) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#groups -= sizeOf(this.#kept.get(key) ?? {});
    this.#kept.delete(key);
  }
}

function sizeOf({ answer }: Kept): number {
  return answer?.groups.length ?? 0;
}
