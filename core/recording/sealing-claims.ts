/**
 * Whose work a task's sessions are, for a while. This is economy and nothing else: sealers that run into each other do no harm
 * (core/recording/seal.ts), they only do the same work twice. So a claim is never waited for, and losing one stops nobody.
 */

/** Claims of sealers, which run each minute and may take longer. */
export interface SealingClaims {
  /**
   * Makes the task's sealing the holder's until `until`, also where it is already. False, and nothing is changed, while another
   * holds it whose time is not over at `now`. Of any number who ask at once, one has it.
   */
  claim(task: string, holder: string, now: Date, until: Date): Promise<boolean>;
  /** Gives up a claim of the holder's own; another's is left alone. */
  release(task: string, holder: string): Promise<void>;
}

/** A sealer that died leaves its task to the next after that. */
export const CLAIM_MS = 90_000;
/** How often a claim is lengthened, while something is done for it. */
const LENGTHEN_EVERY_MS = 20_000;

/** One sealer's claims. */
export class Claimant {
  readonly #claims: SealingClaims;
  readonly #holder: string;
  readonly #now: () => Date;

  constructor(claims: SealingClaims, holder: string, now: () => Date) {
    this.#claims = claims;
    this.#holder = holder;
    this.#now = now;
  }

  /** Undefined while another sealer is at this task. */
  async claim(task: string): Promise<Claim | undefined> {
    const lengthen = async (): Promise<boolean> => {
      const now = this.#now();
      return this.#claims.claim(task, this.#holder, now, new Date(now.getTime() + CLAIM_MS));
    };
    if (!(await lengthen())) return undefined;
    return new Claim(lengthen, () => this.#claims.release(task, this.#holder), this.#now);
  }
}

/** A claim that lasts for as long as there is progress. */
export class Claim {
  readonly #lengthen: () => Promise<boolean>;
  readonly #release: () => Promise<void>;
  readonly #now: () => Date;
  #lengthenedAt: number;

  constructor(lengthen: () => Promise<boolean>, release: () => Promise<void>, now: () => Date) {
    this.#lengthen = lengthen;
    this.#release = release;
    this.#now = now;
    this.#lengthenedAt = now().getTime();
  }

  /** There is progress. What cannot be lengthened runs out, and somebody else may look as well. */
  readonly progress = (): void | Promise<void> => {
    const now = this.#now().getTime();
    if (now - this.#lengthenedAt < LENGTHEN_EVERY_MS) return undefined;
    this.#lengthenedAt = now;
    return this.#lengthen().then(ignored, ignored);
  };

  /** What cannot be released runs out. */
  async release(): Promise<void> {
    await this.#release().catch(ignored);
  }
}

function ignored(): void {
  // Claims are economy.
}
