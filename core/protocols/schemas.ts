/** What each protocol may say in custody.yaml. The other lists of protocols: `protocols.ts` here, and the ones it names. */
import { z } from 'zod';
import { postgresTargetSchema } from './postgres/schema.ts';
import { sshRuleMistakes } from './ssh/rule-mistakes.ts';
import { type SshRule, sshRuleSchema, sshTargetSchema } from './ssh/schema.ts';

/** A target, told apart by its `protocol`. */
export const targetSchema = z.discriminatedUnion('protocol', [postgresTargetSchema, sshTargetSchema], {
  error: ({ code }) => (code === 'invalid_union' ? 'expected postgres or ssh' : undefined),
});

/** What a rule that allows `connect` may say of one protocol's sessions, by the protocol's name. */
export const ruleParts = {
  ssh: sshRuleSchema.optional().describe('what of SSH it allows; for a rule that allows connect'),
};

export interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A rule, as far as its protocols' own parts go. */
export interface RuleWithParts {
  readonly targets: readonly string[];
  readonly allow?: readonly string[] | undefined;
  readonly approval?: { readonly statements: 'any' | 'exact' } | undefined;
  readonly ssh?: SshRule | undefined;
}

/** What is wrong with the own parts of a rule: each is for a rule that lets somebody connect to a target of its protocol. */
export function partMistakes(
  rule: RuleWithParts,
  targets: Readonly<Record<string, z.infer<typeof targetSchema>>>,
): readonly Mistake[] {
  const { ssh: part } = rule;
  if (part === undefined) return [];
  if (!rule.allow?.includes('connect'))
    return [{ path: ['ssh'], message: 'is for a rule that allows connect' }];
  const named = rule.targets.includes('*')
    ? Object.values(targets)
    : rule.targets.map((name) => targets[name]);
  const reached = named.filter((target) => target?.protocol === 'ssh');
  if (reached.length === 0)
    return [{ path: ['ssh'], message: 'none of the targets of this rule speaks SSH' }];
  return sshRuleMistakes(part, reached, rule.approval).map(({ path, message }) => ({
    path: ['ssh', ...path],
    message,
  }));
}
