import type { Person } from '../api/types.ts';
import { shown } from './text.ts';

/** By the address, else by the issuer's name for them; who acts for them stands behind. */
export function personText({ email, subject, actors = [] }: Person): string {
  const by = actors.map((actor) => actor.subject).join(', for which ');
  return shown(email ?? subject) + (by === '' ? '' : `, by ${shown(by)}`);
}
