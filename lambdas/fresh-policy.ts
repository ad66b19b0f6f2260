import type { Config } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';

const FRESH_MS = 2_000;

/**
 * The configuration in force, as a function sees it: looked for again before a call when the last look is two seconds old. A
 * function may have slept for hours, and what was taken from somebody meanwhile has to be gone at the next call (security
 * case 12). An object of S3 is never half written, so one look is enough.
 */
export class FreshPolicy {
  readonly #policy: PolicyInForce;
  readonly #now: () => Date;
  readonly #lookout: Lookout;
  #lookedAt: number;

  private constructor(policy: PolicyInForce, lookout: Lookout, now: () => Date) {
    this.#policy = policy;
    this.#lookout = lookout;
    this.#now = now;
    this.#lookedAt = now().getTime();
  }

  /** `read` rejects with `config-invalid`: then there is no function either. The gateway enters what changes in the ledger. */
  static async of(read: () => Promise<Config>, now: () => Date): Promise<FreshPolicy> {
    const lookout = new Lookout(read);
    const ports = { read: () => lookout.read(), adopt: async () => undefined, now, isWhole: true };
    return new FreshPolicy(new PolicyInForce(await read(), ports), lookout, now);
  }

  get inForce(): PolicyInForce {
    return this.#policy;
  }

  readonly config = (): Config => this.#policy.config;

  /**
   * Rejects when the configuration cannot be seen: nobody is let in on what may have been withdrawn. One that is seen and not
   * valid changes nothing, and `inForce` says why.
   */
  async look(): Promise<void> {
    const now = this.#now().getTime();
    if (now - this.#lookedAt < FRESH_MS) return;
    await this.#policy.check();
    const trouble = this.#lookout.trouble();
    if (trouble !== undefined) throw trouble;
    this.#lookedAt = now;
  }
}

/** Remembers what kept it from seeing the configuration: a policy in force takes that for a refusal, and goes on. */
class Lookout {
  readonly #read: () => Promise<Config>;
  #unseen: CustodyError | undefined;

  constructor(read: () => Promise<Config>) {
    this.#read = read;
  }

  async read(): Promise<Config> {
    try {
      return await this.#read();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (error.code !== 'config-invalid') this.#unseen = error;
      throw error;
    }
  }

  /** Since it was asked for last. */
  trouble(): CustodyError | undefined {
    const trouble = this.#unseen;
    this.#unseen = undefined;
    return trouble;
  }
}
