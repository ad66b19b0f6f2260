import { CustodyError } from '#core/errors.ts';
import type { Ask } from '../../aws/ask.ts';
import { bad, type Finding, good, warning } from '../../findings/finding.ts';

/** A stack as CloudFormation has it. */
export interface SeenStack {
  readonly name: string;
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly Resource[];
}

interface Resource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceStatus?: string;
  readonly ResourceStatusReason?: string;
}

interface Described {
  readonly Stacks: readonly {
    readonly StackStatus: string;
    readonly Outputs?: readonly { readonly OutputKey: string; readonly OutputValue: string }[];
  }[];
}

/** Throws `not-found` where there is no such stack. */
export async function seeStack(ask: Ask, name: string): Promise<SeenStack> {
  const [described, listed] = await Promise.all([
    ask<Described>('cloudformation', 'describe-stacks', '--stack-name', name),
    ask<{ readonly StackResourceSummaries: readonly Resource[] }>(
      'cloudformation',
      'list-stack-resources',
      '--stack-name',
      name,
    ),
  ]);
  if ('refused' in described) {
    throw new CustodyError('not-found', `the stack ${name}: ${described.refused.words}`, {
      hint: 'is it deployed, in this account and region? Its name is stackName of cdk.json',
    });
  }
  const [{ StackStatus: status, Outputs = [] } = { StackStatus: '' }] = described.found.Stacks;
  return {
    ...{ name, status },
    outputs: Object.fromEntries(Outputs.map((one) => [one.OutputKey, one.OutputValue])),
    resources: 'found' in listed ? listed.found.StackResourceSummaries : [],
  };
}

/** What AWS calls the resources of this type. */
export function namesOf({ resources }: SeenStack, type: string): string[] {
  return resources.flatMap((one) => (one.ResourceType === type ? (one.PhysicalResourceId ?? []) : []));
}

/** Whether its last deployment came to its end; if not, what stopped it. */
export function stackFindings({ name, status, resources }: SeenStack): Finding[] {
  const about = `stack ${name}`;
  if (/^(?:CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)) return [good(about, status)];
  if (status.endsWith('_IN_PROGRESS')) return [warning(about, `${status}: a deployment is under way`)];
  const failed = resources.filter(({ ResourceStatus = '' }) => ResourceStatus.endsWith('_FAILED'));
  const reasons = failed.map(
    (one) => `${one.LogicalResourceId}: ${one.ResourceStatusReason ?? 'no reason is given'}`,
  );
  const todo = 'mend it, and deploy again; "When the first deployment fails" in cdk/README.md';
  return [bad(about, [status, ...reasons].join('; '), { todo })];
}
