/** What no rule can mean by its part for SSH, although each of its words is allowed. */
import type { SshRule, SshTarget } from './schema.ts';

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `targets`: those that the rule reaches. */
export function sshRuleMistakes(
  { logins = [], files, forward }: SshRule,
  targets: readonly Pick<SshTarget, 'logins'>[],
  approval: { readonly statements: 'any' | 'exact' } | undefined,
): readonly Mistake[] {
  const mistakes: Mistake[] = logins.flatMap((login, i) =>
    targets.some((target) => Object.hasOwn(target.logins, login))
      ? []
      : [{ path: ['logins', i], message: `no target of this rule has the login "${login}"` }],
  );
  if (approval?.statements !== 'exact') return mistakes;
  if (files !== undefined) mistakes.push({ path: ['files'], message: WITH_EXACT });
  if (forward !== undefined) mistakes.push({ path: ['forward'], message: WITH_EXACT });
  return mistakes;
}

const WITH_EXACT = 'is not for a rule with statements: exact: nothing but the approved commands passes';
