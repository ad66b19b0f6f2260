import type { Ask } from '../../aws/ask.ts';
import { bad, type Finding, good, unknown, warning } from '../../findings/finding.ts';
import { namesOf, type SeenStack } from './stack.ts';

interface Health {
  readonly TargetHealthDescriptions?: readonly {
    readonly Target?: { readonly Id?: string; readonly Port?: number };
    readonly TargetHealth?: {
      readonly State?: string;
      readonly Reason?: string;
      readonly Description?: string;
    };
  }[];
}

/** Whether the load balancer sends anybody to tasks. */
export async function balancerFindings(stack: SeenStack, ask: Ask): Promise<readonly Finding[]> {
  const groups = namesOf(stack, 'AWS::ElasticLoadBalancingV2::TargetGroup');
  return (await Promise.all(groups.map((group) => groupFindings(group, ask)))).flat();
}

async function groupFindings(group: string, ask: Ask): Promise<Finding[]> {
  const about = `load balancer ${group.split('/').at(-2) ?? group}`;
  const answer = await ask<Health>('elbv2', 'describe-target-health', '--target-group-arn', group);
  if ('refused' in answer) return [unknown(about, answer.refused.words)];
  const all = answer.found.TargetHealthDescriptions ?? [];
  const healthy = all.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy');
  const others = all.filter(({ TargetHealth }) => /^unhealthy|^unavailable/.test(TargetHealth?.State ?? ''));
  if (healthy.length === 0)
    return [
      bad(about, `none of ${all.length} tasks is healthy${reasonsOf(others)}`, {
        why: 'nobody gets a session',
        todo: 'what tasks say stands beside it; do security groups let port 8080 through?',
      }),
    ];
  if (others.length > 0)
    return [warning(about, `${others.length} of ${all.length} tasks are not healthy${reasonsOf(others)}`)];
  return [good(about, `${healthy.length} tasks are healthy`)];
}

function reasonsOf(others: NonNullable<Health['TargetHealthDescriptions']>): string {
  const words = others
    .map(({ TargetHealth }) => TargetHealth?.Description ?? TargetHealth?.Reason ?? '')
    .filter(Boolean);
  return words.length === 0 ? '' : `: ${[...new Set(words)].join('; ')}`;
}
