/** Texts of a rule in which `{email}`, `{subject}`, `{issuer}` and `{groups}` stand for what the person's token says. */
import type { Principal } from '#core/identity/principal.ts';

/** Extra that every call has: by it the cluster's audit log and a recording name each other. */
export const SESSION_KEY = 'custody.session';
export const REQUEST_KEY = 'custody.request';

const HOLES = ['email', 'subject', 'issuer', 'groups'] as const;
export type Hole = (typeof HOLES)[number];

/** In their order; a name that stands for nothing is not among them. */
export function holesOf(template: string): readonly Hole[] {
  return HOLES.filter((hole) => template.includes(`{${hole}}`));
}

/** A brace that belongs to none of them. */
export function hasStrangeBraces(template: string): boolean {
  return /[{}]/.test(template.replaceAll(/\{(?:email|subject|issuer|groups)\}/g, ''));
}

/** One text, or with `{groups}` one for each group. What was put in is not looked at again. */
export function filled(template: string, principal: Principal): string[] {
  const groups = holesOf(template).includes('groups') ? principal.groups : [''];
  return groups.map((group) =>
    template.replaceAll(/\{(email|subject|issuer|groups)\}/g, (_, hole: Hole) =>
      hole === 'groups' ? group : (principal[hole] ?? ''),
    ),
  );
}
