/** Where somebody signed in last, by its name alone: it is offered first. */
import type { PersonIssuer } from '../api/types.ts';
import type { Kept } from './pending.ts';

const NAME = 'custody-issuer';

export function rememberIssuer(storage: Kept, { name }: PersonIssuer): void {
  storage.setItem(NAME, name);
}

export function lastIssuerFirst(storage: Kept, issuers: readonly PersonIssuer[]): readonly PersonIssuer[] {
  const last = storage.getItem(NAME);
  return [...issuers.filter(({ name }) => name === last), ...issuers.filter(({ name }) => name !== last)];
}
