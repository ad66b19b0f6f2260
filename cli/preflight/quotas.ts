import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';

/** A limit of the account, how much of it is used, and how much a deployment takes. */
interface Quota {
  readonly name: string;
  readonly service: string;
  readonly code: string;
  readonly takes: number;
  /** Undefined where nobody can count it: what it takes is held against the whole. */
  readonly used?: (ask: Ask) => Promise<number | undefined>;
  /** Reaching it is no failure of a deployment, but one of busy days. */
  readonly isOfBusyDays?: true;
}

/** What a deployment takes most of the limit of, by the codes of Service Quotas. */
function quotasOf({ network, gateway, tasks, targets }: DeploymentConfig): Quota[] {
  const isNew = network.vpcId === undefined;
  const nat = isNew && network.issuerAccess === 'nat' ? network.natGateways : 0;
  const groups = Object.values(targets).filter(({ securityGroupId }) => securityGroupId !== undefined).length;
  // Targets have no rule each then; security groups of one's own have the rules that they have.
  const rules = network.targetNetworks?.length ?? groups;
  const cpus = (tasks.cpu / 1024) * tasks.max;
  return [
    ...(isNew
      ? [
          {
            name: 'VPCs',
            service: 'vpc',
            code: 'L-F678F1CE',
            takes: 1,
            used: countOf('ec2', 'describe-vpcs', 'Vpcs'),
          },
        ]
      : []),
    ...(nat === 0
      ? []
      : [
          {
            name: 'Elastic IPs',
            service: 'ec2',
            code: 'L-0263D0A3',
            takes: nat,
            used: countOf('ec2', 'describe-addresses', 'Addresses'),
          },
        ]),
    {
      ...{ name: 'Network Load Balancers', service: 'elasticloadbalancing', code: 'L-69A177A2', takes: 1 },
      used: networkLoadBalancers,
    },
    {
      name: 'rules of a security group (one for each target, without network.targetNetworks)',
      service: 'vpc',
      code: 'L-0EA8095F',
      takes: network.securityGroupIds === undefined ? rules + 1 : 0,
    },
    {
      name: 'rules of a security group (one for each network of clients)',
      service: 'vpc',
      code: 'L-0EA8095F',
      takes: gateway.clients.length,
    },
    {
      name: 'concurrent Lambda executions',
      service: 'lambda',
      code: 'L-B99A9384',
      takes: 50,
      isOfBusyDays: true,
    },
    { name: 'Fargate vCPUs', service: 'fargate', code: 'L-3032A538', takes: cpus, isOfBusyDays: true },
  ];
}

/** Limits that a deployment, or a busy day, would meet. */
export async function quotaFindings(settings: DeploymentConfig, ask: Ask): Promise<readonly Finding[]> {
  const all = await Promise.all(quotasOf(settings).map((quota) => quotaFinding(quota, ask)));
  const wrong = all.filter((finding) => finding !== undefined);
  return wrong.some(({ result }) => result !== 'unknown')
    ? wrong
    : [good('quotas', 'there is room'), ...wrong];
}

async function quotaFinding(quota: Quota, ask: Ask): Promise<Finding | undefined> {
  const { name, service, code, takes, used, isOfBusyDays } = quota;
  const about = `quota: ${name}`;
  const limit = await limitOf(quota, ask);
  if (typeof limit === 'string') return unknown(about, limit);
  const now = (await used?.(ask)) ?? 0;
  if (now + takes <= limit) return undefined;
  const what = `${limit} are allowed${now === 0 ? '' : `, ${now} are there`}, and up to ${takes} would be added`;
  const todo = `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${Math.ceil(now + takes)}`;
  return isOfBusyDays
    ? warning(about, what, { why: 'it is met on a busy day', todo })
    : bad(about, what, { todo });
}

/** One that nobody ever changed may only have its default. */
async function limitOf({ service, code }: Quota, ask: Ask): Promise<number | string> {
  const args = ['--service-code', service, '--quota-code', code];
  const answers = [
    await ask<Limit>('service-quotas', 'get-service-quota', ...args),
    await ask<Limit>('service-quotas', 'get-aws-default-service-quota', ...args),
  ];
  const value = answers
    .map((one) => ('found' in one ? one.found.Quota?.Value : undefined))
    .find((one) => one !== undefined);
  if (value !== undefined) return value;
  const [first] = answers;
  return first !== undefined && 'refused' in first ? first.refused.words : 'Service Quotas does not say';
}

interface Limit {
  readonly Quota?: { readonly Value?: number };
}

function countOf(service: string, operation: string, key: string) {
  return async (ask: Ask): Promise<number | undefined> => {
    const answer = await ask<Readonly<Record<string, readonly unknown[]>>>(service, operation);
    return 'found' in answer ? answer.found[key]?.length : undefined;
  };
}

async function networkLoadBalancers(ask: Ask): Promise<number | undefined> {
  const answer = await ask<{ readonly LoadBalancers?: readonly { readonly Type?: string }[] }>(
    ...(['elbv2', 'describe-load-balancers'] as const),
  );
  if ('refused' in answer) return undefined;
  return answer.found.LoadBalancers?.filter(({ Type }) => Type === 'network').length;
}
