import type { Template } from 'aws-cdk-lib/assertions';

export interface PolicyStatementJson {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface PolicyDocumentJson {
  readonly Version: string;
  readonly Statement: readonly PolicyStatementJson[];
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** All policies of the one role whose logical id begins with `prefix`: its own, and those attached to it. Throws for none, or more. */
export function policiesOf(template: Template, prefix: string): readonly PolicyDocumentJson[] {
  const resources = (template.toJSON() as { Resources: Record<string, Resource> }).Resources;
  const entries = Object.entries(resources);
  const roles = entries.filter(([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith(prefix));
  if (roles.length !== 1) throw new Error(`${roles.length} roles begin with ${prefix}`);
  const [id, { Properties }] = roles[0]!;
  const own = (Properties['Policies'] ?? []) as readonly { PolicyDocument: PolicyDocumentJson }[];
  const attached = entries.flatMap(([, { Type, Properties }]) => {
    const to = (Properties?.['Roles'] ?? []) as readonly { Ref?: string }[];
    const isOurs = Type === 'AWS::IAM::Policy' && to.some(({ Ref }) => Ref === id);
    return isOurs ? [Properties['PolicyDocument'] as PolicyDocumentJson] : [];
  });
  return [...own.map(({ PolicyDocument }) => PolicyDocument), ...attached];
}

/** ARNs of AWS's own policies that a role carries. */
export function managedPoliciesOf(template: Template, prefix: string): readonly unknown[] {
  const roles = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) =>
    id.startsWith(prefix),
  );
  return roles.flatMap(([, role]) => ((role as Resource).Properties['ManagedPolicyArns'] ?? []) as unknown[]);
}

/** Every allowed action with the resources it is allowed on, as `Id.Arn/suffix` texts. */
export function allowed(policies: readonly PolicyDocumentJson[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { Effect, Action, Resource } of policies.flatMap(({ Statement }) => Statement)) {
    if (Effect !== 'Allow') continue;
    const places = (Array.isArray(Resource) ? Resource : [Resource]).map(inWords);
    for (const action of [Action].flat()) found.set(action, [...(found.get(action) ?? []), ...places]);
  }
  return found;
}

/** What CloudFormation fills in, by the name of what it is of. */
export function inWords(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(inWords).join('');
  const [name, given] = Object.entries(value as Readonly<Record<string, unknown>>)[0]!;
  if (name === 'Fn::GetAtt') return (given as string[])[0]!.replace(/[0-9A-F]{8}$/, '');
  if (name === 'Fn::Join') return inWords((given as unknown[])[1]);
  return String(given).replace(/[0-9A-F]{8}$/, '');
}
