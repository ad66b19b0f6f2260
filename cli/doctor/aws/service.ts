import { type Ask, foundOr } from '../../aws/ask.ts';
import { bad, type Finding, good, unknown, warning } from '../../findings/finding.ts';
import { namesOf, type SeenStack } from './stack.ts';

const ABOUT = 'tasks';
/** ECS shows a task that stopped for about an hour. */
const STOPPED_SHOWN = 3;

interface Service {
  readonly desiredCount?: number;
  readonly runningCount?: number;
  readonly pendingCount?: number;
  readonly deployments?: readonly { readonly rolloutState?: string; readonly rolloutStateReason?: string }[];
}

/** Whether as many tasks run as should, and why those that ended did. */
export async function serviceFindings(stack: SeenStack, ask: Ask): Promise<readonly Finding[]> {
  const [cluster] = namesOf(stack, 'AWS::ECS::Cluster');
  const [service] = namesOf(stack, 'AWS::ECS::Service');
  if (cluster === undefined || service === undefined) return [bad(ABOUT, 'the stack has no service')];
  const at = ['--cluster', cluster, '--services', service];
  const answer = await ask<{ readonly services: readonly Service[] }>('ecs', 'describe-services', ...at);
  if ('refused' in answer) return [unknown(ABOUT, answer.refused.words)];
  const [seen = {}] = answer.found.services;
  const stopped = await stoppedTasks(cluster, service, ask);
  return [...countFindings(seen), ...rolloutFindings(seen), ...stoppedFindings(stopped)];
}

function countFindings({ desiredCount = 0, runningCount = 0, pendingCount = 0 }: Service): Finding[] {
  if (desiredCount === 0)
    return [
      bad(ABOUT, 'none is wanted', {
        why: 'nobody gets a session',
        todo: 'aws ecs update-service --desired-count 2',
      }),
    ];
  if (runningCount >= desiredCount) return [good(ABOUT, `${runningCount} run, as wanted`)];
  const what = `${runningCount} of ${desiredCount} run, ${pendingCount} are starting`;
  const words = {
    why: runningCount === 0 ? 'nobody gets a session' : 'there is less room than wanted',
    todo: 'what stopped them stands below, or in their log',
  };
  return [runningCount === 0 ? bad(ABOUT, what, words) : warning(ABOUT, what, words)];
}

function rolloutFindings({ deployments = [] }: Service): Finding[] {
  return deployments
    .filter(({ rolloutState }) => rolloutState === 'FAILED')
    .map(({ rolloutStateReason = 'no reason is given' }) => bad('deployment of tasks', rolloutStateReason));
}

interface Stopped {
  readonly taskArn?: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly containers?: readonly {
    readonly name?: string;
    readonly exitCode?: number;
    readonly reason?: string;
  }[];
}

async function stoppedTasks(cluster: string, service: string, ask: Ask): Promise<readonly Stopped[]> {
  const of = ['--cluster', cluster, '--service-name', service, '--desired-status', 'STOPPED'];
  const { taskArns } = foundOr(
    await ask<{ readonly taskArns: readonly string[] }>('ecs', 'list-tasks', ...of),
    { taskArns: [] },
  );
  if (taskArns.length === 0) return [];
  const some = taskArns.slice(0, STOPPED_SHOWN);
  const answer = await ask<{ readonly tasks: readonly Stopped[] }>(
    'ecs',
    'describe-tasks',
    '--cluster',
    cluster,
    '--tasks',
    ...some,
  );
  return foundOr(answer, { tasks: [] }).tasks;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /CannotPullContainer|pull access|manifest/i,
    'is there a way to ECR (NAT gateway or endpoints), and is the image of tasks.architecture?',
  ],
  [
    /ResourceInitializationError/i,
    'is there a way to ECR, Secrets Manager and CloudWatch Logs, by NAT gateway or endpoints?',
  ],
  [/exec format error|exit code 255/i, 'the image is of another architecture than tasks.architecture'],
  [/health check|ELB/i, 'the log of the proxy says why it was not ready'],
  [/OutOfMemory/i, 'give tasks more memory: tasks.memoryMiB'],
  [
    /Essential container/i,
    'the log of the proxy says why it ended: custody preflight looks at the usual causes',
  ],
];

/** A deployment and scaling stop tasks as well: those are no news. */
function stoppedFindings(tasks: readonly Stopped[]): Finding[] {
  return tasks
    .filter(({ stopCode = '' }) => stopCode !== 'ServiceSchedulerInitiated' && stopCode !== 'UserInitiated')
    .map(({ taskArn = '', stoppedReason = '', containers = [] }) => {
      const inside = containers.map(({ name, exitCode, reason }) =>
        [name, exitCode === undefined ? '' : `exit code ${exitCode}`, reason].filter(Boolean).join(' '),
      );
      const what = [stoppedReason, ...inside].filter(Boolean).join('; ') || 'it does not say why';
      const todo = ADVICE.find(([is]) => is.test(what))?.[1];
      return warning(`task ${taskArn.split('/').at(-1)} ended`, what, todo === undefined ? {} : { todo });
    });
}
