/** What each protocol may say in custody.yaml. The other lists of protocols: `protocols.ts` here, and the ones it names. */
import { z } from 'zod';
import { kubernetesRuleMistakes } from './kubernetes/rule-mistakes.ts';
import { type KubernetesRule, kubernetesRuleSchema, kubernetesTargetSchema } from './kubernetes/schema.ts';
import { postgresTargetSchema } from './postgres/schema.ts';
import { sshRuleMistakes } from './ssh/rule-mistakes.ts';
import { type SshRule, sshRuleSchema, sshTargetSchema } from './ssh/schema.ts';

/** A target, told apart by its `protocol`. */
export const targetSchema = z.discriminatedUnion(
  'protocol',
  [postgresTargetSchema, sshTargetSchema, kubernetesTargetSchema],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected postgres, ssh or kubernetes' : undefined) },
);

/** What a rule that allows `connect` may say of one protocol's sessions, by the protocol's name. */
export const ruleParts = {
  ssh: sshRuleSchema.optional().describe('what of SSH it allows; for a rule that allows connect'),
  kubernetes: kubernetesRuleSchema
    .optional()
    .describe('what of Kubernetes it allows, and as whom; for a rule that allows connect'),
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
  readonly kubernetes?: KubernetesRule | undefined;
}

type Targets = Readonly<Record<string, z.infer<typeof targetSchema>>>;
type TargetIn<P> = Extract<z.infer<typeof targetSchema>, { readonly protocol: P }>;

/** What is wrong with the own parts of a rule: each is for a rule that lets somebody connect to a target of its protocol. */
export function partMistakes(rule: RuleWithParts, targets: Targets): readonly Mistake[] {
  return [
    ...mistakesOf('ssh', 'SSH', rule, targets, (part, reached) =>
      sshRuleMistakes(part, reached, rule.approval),
    ),
    ...mistakesOf('kubernetes', 'Kubernetes', rule, targets, kubernetesRuleMistakes),
  ];
}

function mistakesOf<P extends 'ssh' | 'kubernetes'>(
  name: P,
  label: string,
  rule: RuleWithParts,
  targets: Targets,
  own: (part: NonNullable<RuleWithParts[P]>, reached: readonly TargetIn<P>[]) => readonly Mistake[],
): readonly Mistake[] {
  const part = rule[name];
  if (part === undefined) return [];
  if (!rule.allow?.includes('connect'))
    return [{ path: [name], message: 'is for a rule that allows connect' }];
  const named = rule.targets.includes('*')
    ? Object.values(targets)
    : rule.targets.map((target) => targets[target]);
  const reached = named.filter((target): target is TargetIn<P> => target?.protocol === name);
  if (reached.length === 0)
    return [{ path: [name], message: `none of the targets of this rule speaks ${label}` }];
  return own(part, reached).map(({ path, message }) => ({ path: [name, ...path], message }));
}
