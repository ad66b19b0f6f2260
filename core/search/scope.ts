import { sameAccount } from '../access/person.ts';
import { isNamed } from '../recording/session-page.ts';
import type { SearchedSession } from './entry.ts';
import type { Scope } from './port.ts';

export function isInScope(session: SearchedSession, scopes: readonly Scope[]): boolean {
  return scopes.some((scope) => isIn(session, scope));
}

function isIn(
  { target: name, principal, approvedBy = [] }: SearchedSession,
  { target, subject, person, approver }: Scope,
): boolean {
  return (
    (target === undefined || target === name) &&
    (subject === undefined || sameAccount(subject, principal)) &&
    (person === undefined || isNamed(principal, person)) &&
    (approver === undefined || approvedBy.some((one) => sameAccount(one, approver)))
  );
}
