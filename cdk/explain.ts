import { Stack, Validations } from 'aws-cdk-lib';
import { Policy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Says why a rule of cdk-nag does not apply to `construct` and what is in it. The reason is for whoever audits the stack. */
export function explain(construct: IConstruct, reason: string, ...findings: readonly string[]): void {
  for (const finding of findings) {
    Validations.of(construct).acknowledge({ id: `AwsSolutions-${finding}`, reason });
  }
}

/** The same for these ARNs with a wildcard, in a role's policy. */
export function explainWildcards(role: IConstruct, reason: string, ...arns: readonly string[]): void {
  const stack = Stack.of(role);
  explain(role, reason, ...arns.map((arn) => `IAM5[Resource::${inWords(stack.resolve(arn))}]`));
}

/** For a role whose policy is CDK's own work, with wildcards that are not ours to narrow. */
export function explainPolicyOfCdk(role: IConstruct, reason: string): void {
  const policy = role.node.tryFindChild('DefaultPolicy');
  if (!(policy instanceof Policy)) return;
  const { Statement } = Stack.of(role).resolve(policy.document) as { Statement: readonly CdkStatement[] };
  const actions = Statement.flatMap(({ Action }) => Action).filter((action) => action.includes('*'));
  const resources = Statement.flatMap(({ Resource }) => Resource).map(inWords);
  const wild = resources.filter((resource) => resource.includes('*'));
  explain(role, reason, ...new Set(actions.map((action) => `IAM5[Action::${action}]`)));
  explain(role, reason, ...new Set(wild.map((resource) => `IAM5[Resource::${resource}]`)));
}

interface CdkStatement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** What CloudFormation will fill in, as cdk-nag writes it: `<LogicalId.Arn>/sessions/*`. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(inWords).join('');
  const [name, given] = Object.entries(value as Readonly<Record<string, unknown>>)[0]!;
  if (name === 'Fn::Sub') return String(given).replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  if (name === 'Fn::GetAtt') return `<${(given as string[]).join('.')}>`;
  return name === 'Fn::Join' ? inWords((given as unknown[])[1]) : `<${String(given)}>`;
}
