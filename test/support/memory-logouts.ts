import { CustodyError } from '#core/errors.ts';
import type { Logouts, MarkedLogout } from '#core/identity/logouts.ts';
import type { LogoutIntake } from '#lambdas/logout/handler.ts';

/** Logouts in memory. */
export class MemoryLogouts implements Logouts {
  readonly taken: MarkedLogout[] = [];

  async take(logout: MarkedLogout): Promise<boolean> {
    if (this.taken.some(({ token }) => token === logout.token)) return false;
    this.taken.push(structuredClone(logout));
    return true;
  }

  async newest(marks: readonly string[]): Promise<Map<string, Date>> {
    const found = new Map<string, Date>();
    for (const { at, marks: under } of this.taken)
      for (const mark of under.filter((one) => marks.includes(one)))
        if (at.getTime() > (found.get(mark)?.getTime() ?? -Infinity)) found.set(mark, at);
    return found;
  }
}

/** For an API that no issuer calls. */
export const NO_LOGOUTS: LogoutIntake = {
  logouts: new MemoryLogouts(),
  verifierOf: () => ({
    verify: () => Promise.reject(new CustodyError('token-invalid', 'the token is not valid here')),
  }),
};
