import { describe, expect, it } from 'vitest';
import { type Ask, answerOf } from '#cli/aws/ask.ts';
import { alarmFindings } from '#cli/doctor/aws/alarms.ts';
import { balancerFindings } from '#cli/doctor/aws/balancer.ts';
import { serviceFindings } from '#cli/doctor/aws/service.ts';
import { type SeenStack, stackFindings } from '#cli/doctor/aws/stack.ts';
import type { Finding } from '#cli/findings/finding.ts';

/** AWS, by operation. */
function says(answers: Readonly<Record<string, object>>): Ask {
  return async (_service, operation = '') => {
    const found = answers[operation];
    if (found === undefined)
      return answerOf({ code: 254, stdout: '', stderr: 'An error occurred (AccessDeniedException): no' });
    return answerOf({ code: 0, stdout: JSON.stringify(found), stderr: '' });
  };
}

function stack(...resources: readonly (readonly [type: string, id: string])[]): SeenStack {
  const all = resources.map(([ResourceType, PhysicalResourceId]) => ({
    ...{ ResourceType, PhysicalResourceId, LogicalResourceId: PhysicalResourceId },
  }));
  return { name: 'Custody', status: 'CREATE_COMPLETE', outputs: {}, resources: all };
}

const lines = (findings: readonly Finding[]): string[] =>
  findings.map(({ result, about, what }) => `${result}: ${about}: ${what}`);

const SERVICE = stack(['AWS::ECS::Cluster', 'custody'], ['AWS::ECS::Service', 'proxy']);

describe('what doctor says of tasks', () => {
  it('as many as wanted run', async () => {
    const ask = says({
      'describe-services': { services: [{ desiredCount: 2, runningCount: 2 }] },
      'list-tasks': { taskArns: [] },
    });
    expect(lines(await serviceFindings(SERVICE, ask))).toEqual(['good: tasks: 2 run, as wanted']);
  });

  it('why those that ended did, and what to do; those that a deployment replaced are no news', async () => {
    const stopped = {
      taskArn: 'arn:aws:ecs:eu-central-1:1:task/custody/abc',
      stoppedReason: 'Essential container in task exited',
      containers: [{ name: 'Proxy', exitCode: 255, reason: 'exec format error' }],
    };
    const ask = says({
      'describe-services': { services: [{ desiredCount: 2, runningCount: 0, pendingCount: 1 }] },
      'list-tasks': { taskArns: ['abc', 'def'] },
      'describe-tasks': {
        tasks: [stopped, { stopCode: 'ServiceSchedulerInitiated', stoppedReason: 'Scaling' }],
      },
    });
    const found = await serviceFindings(SERVICE, ask);
    expect(lines(found)).toEqual([
      'bad: tasks: 0 of 2 run, 1 are starting',
      'warning: task abc ended: Essential container in task exited; Proxy exit code 255 exec format error',
    ]);
    expect(found[1]?.todo).toContain('another architecture');
  });

  it('that it may not look', async () => {
    expect(lines(await serviceFindings(SERVICE, says({})))).toEqual([
      expect.stringMatching(/^unknown: tasks: /),
    ]);
  });
});

it('doctor says which alarms of the stack ring', async () => {
  const ringing = {
    AlarmName: 'Late',
    AlarmDescription: 'sessions wait for the sealer',
    StateReason: '1 > 0',
  };
  const ask = says({ 'describe-alarms': { MetricAlarms: [ringing] } });
  const alarms = stack(['AWS::CloudWatch::Alarm', 'Late'], ['AWS::CloudWatch::Alarm', 'Other']);
  expect(lines(await alarmFindings(alarms, ask))).toEqual(['bad: alarm Late: sessions wait for the sealer']);
  expect(lines(await alarmFindings(alarms, says({ 'describe-alarms': {} })))).toEqual([
    'good: alarms: none of 2 rings',
  ]);
});

it('doctor says that no task is healthy, and what the load balancer says of them', async () => {
  const group = stack(['AWS::ElasticLoadBalancingV2::TargetGroup', 'arn:x:targetgroup/sessions/1']);
  const health = (State: string) => ({ TargetHealth: { State, Description: 'Health checks failed' } });
  const of = async (...states: string[]) =>
    lines(
      await balancerFindings(
        group,
        says({ 'describe-target-health': { TargetHealthDescriptions: states.map(health) } }),
      ),
    );
  expect(await of('unhealthy', 'initial')).toEqual([
    'bad: load balancer sessions: none of 2 tasks is healthy: Health checks failed',
  ]);
  expect(await of('healthy', 'unhealthy')).toEqual([
    'warning: load balancer sessions: 1 of 2 tasks are not healthy: Health checks failed',
  ]);
  expect(await of('healthy', 'draining')).toEqual(['good: load balancer sessions: 1 tasks are healthy']);
});

it('doctor says what stopped a deployment', () => {
  const failed = {
    LogicalResourceId: 'Proxy',
    ResourceType: 'x',
    ResourceStatus: 'CREATE_FAILED',
    ResourceStatusReason: 'no tasks',
  };
  expect(lines(stackFindings({ ...SERVICE, status: 'ROLLBACK_COMPLETE', resources: [failed] }))).toEqual([
    'bad: stack Custody: ROLLBACK_COMPLETE; Proxy: no tasks',
  ]);
});
