import { isNamed } from '../recording/session-page.ts';
import type { SearchedSession } from './entry.ts';
import type { Scope } from './port.ts';

export function isInScope({ target, principal }: SearchedSession, scopes: readonly Scope[]): boolean {
  return scopes.some(
    ({ target: only, subject, person }) =>
      (only === undefined || only === target) &&
      (subject === undefined ||
        (subject.issuer === principal.issuer && subject.subject === principal.subject)) &&
      (person === undefined || isNamed(principal, person)),
  );
}
