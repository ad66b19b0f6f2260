import type { Config } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';

const FRESH_MS = 2_000;

/**
 * The configuration in force, as a function sees it: looked for again before a call when the last look is two seconds old. A
 * function may have slept for hours, and what was taken from somebody meanwhile has to be gone at the next call (security
 * case 12). An object of S3 is never half written, so two looks at once make it count.
 */
export class FreshPolicy {
  readonly #policy: PolicyInForce;
  readonly #now: () => Date;
  #lookedAt: number;

  private constructor(policy: PolicyInForce, now: () => Date) {
    this.#policy = policy;
    this.#now = now;
    this.#lookedAt = now().getTime();
  }

  /** `read` rejects with `config-invalid`: then there is no function either. The gateway enters what changes in the ledger. */
  static async of(read: () => Promise<Config>, now: () => Date): Promise<FreshPolicy> {
    const ports = { read, adopt: async () => undefined, now };
    return new FreshPolicy(new PolicyInForce(await read(), ports), now);
  }

  get inForce(): PolicyInForce {
    return this.#policy;
  }

  readonly config = (): Config => this.#policy.config;

  /** Rejects when the configuration cannot be seen: nobody is let in on what may have been withdrawn. */
  async look(): Promise<void> {
    const now = this.#now().getTime();
    if (now - this.#lookedAt < FRESH_MS) return;
    await this.#policy.check();
    await this.#policy.check();
    this.#lookedAt = now;
  }
}
