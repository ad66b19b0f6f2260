import type { SealingClaims } from '#core/recording/sealing-claims.ts';

/** Claims in memory. */
export class MemoryClaims implements SealingClaims {
  readonly #claims = new Map<string, { readonly holder: string; readonly until: Date }>();

  async claim(task: string, holder: string, now: Date, until: Date): Promise<boolean> {
    const known = this.#claims.get(task);
    if (known !== undefined && known.holder !== holder && known.until > now) return false;
    this.#claims.set(task, { holder, until });
    return true;
  }

  async release(task: string, holder: string): Promise<void> {
    if (this.#claims.get(task)?.holder === holder) this.#claims.delete(task);
  }
}
