import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';

const ABOUT = 'account';
/** What our templates need of it: what CDK's own templates check (rule CheckBootstrapVersion). */
const BOOTSTRAP_MIN = 6;
/** Of `cdk bootstrap` without --qualifier. */
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';

/** Whether it is the one that cdk.json names, and its region is on. `account`: that one is logged in to. */
export async function accountFindings(
  { account: named, region }: DeploymentConfig,
  account: string,
  ask: Ask,
): Promise<readonly Finding[]> {
  if (named !== undefined && named !== account) {
    const what = `cdk.json names the account ${named}, and you are in ${account}`;
    return [bad(ABOUT, what, { todo: 'log in to the other one: AWS_PROFILE, --profile' })];
  }
  const where = region === undefined ? "the AWS CLI's region" : region;
  return [
    good(ABOUT, `${account}, ${where}`),
    ...(region === undefined ? [] : await regionFindings(region, ask)),
  ];
}

interface Regions {
  readonly Regions?: readonly { readonly OptInStatus?: string }[];
}

async function regionFindings(region: string, ask: Ask): Promise<Finding[]> {
  const answer = await ask<Regions>('ec2', 'describe-regions', '--all-regions', '--region-names', region);
  if ('refused' in answer) return [unknown(`region ${region}`, answer.refused.words)];
  if (answer.found.Regions?.[0]?.OptInStatus !== 'not-opted-in') return [];
  const todo = `aws account enable-region --region-name ${region}, and wait until it is on`;
  return [bad(`region ${region}`, 'it is not enabled in this account', { todo })];
}

/** Whether `cdk bootstrap` was run, as late a one as templates need. */
export async function bootstrapFindings(ask: Ask): Promise<readonly Finding[]> {
  const about = 'cdk bootstrap';
  const answer = await ask<{ readonly Parameter?: { readonly Value?: string } }>(
    ...(['ssm', 'get-parameter', '--name', BOOTSTRAP] as const),
  );
  if ('refused' in answer) {
    if (answer.refused.code !== 'ParameterNotFound') return [unknown(about, answer.refused.words)];
    return [bad(about, 'it was never run in this account and region', { todo: 'npx cdk bootstrap' })];
  }
  const version = Number(answer.found.Parameter?.Value);
  if (version >= BOOTSTRAP_MIN) return [good(about, `version ${version}`)];
  const what = `version ${version} is older than ${BOOTSTRAP_MIN}, which templates need`;
  return [bad(about, what, { todo: 'npx cdk bootstrap' })];
}

interface Linked {
  readonly role: string;
  readonly service: string;
  /** ECS makes its role at the first use, and the first service of an account may come before that is known everywhere. */
  readonly isNeeded?: true;
}

const LINKED: readonly Linked[] = [
  { role: 'AWSServiceRoleForECS', service: 'ecs.amazonaws.com', isNeeded: true },
  { role: 'AWSServiceRoleForElasticLoadBalancing', service: 'elasticloadbalancing.amazonaws.com' },
  {
    role: 'AWSServiceRoleForApplicationAutoScaling_ECSService',
    service: 'ecs.application-autoscaling.amazonaws.com',
  },
];

/**
 * Roles that services make for themselves at their first use.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
 */
export async function serviceRoleFindings(ask: Ask): Promise<readonly Finding[]> {
  const all = await Promise.all(LINKED.map((linked) => serviceRoleFinding(linked, ask)));
  const wrong = all.filter((finding) => finding !== undefined);
  return wrong.length > 0 ? wrong : [good('service-linked roles', 'there')];
}

async function serviceRoleFinding(
  { role, service, isNeeded }: Linked,
  ask: Ask,
): Promise<Finding | undefined> {
  const answer = await ask('iam', 'get-role', '--role-name', role);
  if ('found' in answer) return undefined;
  if (answer.refused.code !== 'NoSuchEntity') return unknown(`role ${role}`, answer.refused.words);
  const todo = `aws iam create-service-linked-role --aws-service-name ${service}`;
  const what = 'this account has never used its service';
  if (isNeeded) return bad(`role ${role}`, what, { why: 'the first service may be made before it', todo });
  return warning(`role ${role}`, what, {
    why: 'whoever deploys needs iam:CreateServiceLinkedRole for it',
    todo,
  });
}
