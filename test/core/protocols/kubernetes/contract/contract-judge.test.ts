import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { ContractJudge } from '#core/protocols/kubernetes/contract/contract-judge.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { kubernetesShapes } from '#core/protocols/kubernetes/shapes/shapes.ts';
import { compileContract } from '#core/tasks/contract.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { TaskSession } from '#core/tasks/session.ts';

const DOES = [
  {
    name: 'scale',
    call: {
      verb: 'patch',
      resource: 'deployments.apps/scale',
      namespace: 'prod',
      name: '$1',
      body: { spec: { replicas: '$2' } },
    },
    values: { $1: { type: 'text', oneOf: ['web', 'api'] }, $2: { type: 'integer', max: 5 } },
    times: { max: 2 },
  },
  {
    name: 'migrate',
    call: {
      ...{
        verb: 'create',
        resource: 'pods/exec',
        namespace: 'prod',
        name: 'web-0',
        query: { container: 'main' },
      },
      command: ['migrate', '--to', '$1'],
    },
    values: { $1: { type: 'integer' } },
    times: { min: 0, max: 1 },
  },
];

function under(how: 'record' | 'stop' = 'stop') {
  const contract = { does: DOES, onDeviation: how };
  const task = workflowSchema.parse({
    tasks: { t: { target: 'cluster', by: { groups: ['a'] }, contract } },
  }).tasks['t']!;
  const deviations: Deviation[] = [];
  const told: string[] = [];
  const ended: CustodyError[] = [];
  const session: TaskSession = {
    run: 'run',
    task: 't',
    contract: compileContract(task, kubernetesShapes),
    facts: { inputs: new Map(), column: () => undefined, digests: new RunDigests(Buffer.alloc(32)) },
    begin: () => Promise.resolve(void told.push('begun')),
    elapsedMs: () => 0,
    deviated: (deviation, { command }) => {
      deviations.push(deviation);
      told.push(command);
      const error = new CustodyError('contract-deviation', 'it does not go on');
      return Promise.resolve(how === 'record' ? { goesOn: true } : { goesOn: false, error, ends: true });
    },
  };
  const judge = new ContractJudge({ task: session, end: (_, error) => void ended.push(error) });
  let number = 0;
  const asks = async (method: string, target: string, body?: unknown): Promise<string> => {
    number += 1;
    const first = await judge.judge(callOf(method, target), number);
    if (first.kind !== 'wants-body') return first.kind;
    const type = 'application/merge-patch+json';
    const bytes = Buffer.from(JSON.stringify(body ?? {}));
    return (await first.judge({ bytes, type, encoding: undefined })).kind;
  };
  return { asks, judge, told, ended, kinds: () => deviations.map(({ kind }) => kind) };
}

const scale = (name: string): string => `/apis/apps/v1/namespaces/prod/deployments/${name}/scale`;
const EXEC = '/api/v1/namespaces/prod/pods/web-0/exec?container=main&command=migrate&command=--to&command=7';
const replicas = (count: unknown): object => ({ spec: { replicas: count } });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a session of calls under a contract', () => {
  it('lets its calls through, once the execution is its own, and discovery before', async () => {
    const { asks, told, kinds } = under();
    expect(await asks('GET', '/apis/apps/v1')).toBe('passes');
    expect(told).toEqual([]);
    expect(await asks('PATCH', scale('web'), replicas(3))).toBe('passes');
    expect(await asks('GET', EXEC)).toBe('passes');
    expect(told).toEqual(['begun', 'begun']);
    expect(kinds()).toEqual([]);
  });

  it.each([
    ['another call', 'DELETE', scale('web'), undefined, 'not-in-contract'],
    ['a read', 'GET', scale('web'), undefined, 'not-in-contract'],
    ['a name that it does not list', 'PATCH', scale('db'), replicas(3), 'value'],
    ['a value out of range', 'PATCH', scale('web'), replicas(6), 'value'],
    ['a text in place of a number', 'PATCH', scale('web'), replicas('3'), 'value'],
    ['another member', 'PATCH', scale('web'), { spec: { replicas: 3, paused: true } }, 'not-in-contract'],
    [
      'another namespace',
      'PATCH',
      '/apis/apps/v1/namespaces/dev/deployments/web/scale',
      replicas(3),
      'value',
    ],
    ['another parameter', 'PATCH', `${scale('web')}?force=true`, replicas(3), 'not-in-contract'],
    ['another word', 'GET', EXEC.replace('--to', '--from'), undefined, 'value'],
    ['another program', 'GET', EXEC.replace('=migrate', '=sh'), undefined, 'not-in-contract'],
    ['one word more', 'GET', `${EXEC}&command=8`, undefined, 'not-in-contract'],
    ['another container', 'GET', EXEC.replace('main', 'side'), undefined, 'not-in-contract'],
    ['input', 'GET', `${EXEC}&stdin=true`, undefined, 'unreadable'],
    ['a stream', 'POST', '/api/v1/namespaces/prod/pods/web-0/portforward', undefined, 'unreadable'],
  ])('keeps from the cluster %s', async (_, method, target, body, kind) => {
    const { asks, kinds, ended } = under();
    expect(await asks(method, target, body)).toBe('refused');
    expect(kinds()).toEqual([kind]);
    expect(ended).toHaveLength(1);
  });

  it('lets it go on, marked, where the contract records alone', async () => {
    const { asks, kinds, ended, told } = under('record');
    expect(await asks('PATCH', scale('db'), replicas(9))).toBe('passes');
    expect(kinds()).toEqual(['value']);
    expect(ended).toEqual([]);
    expect(told[0]).toBe('patch deployments.apps/scale prod/db {"spec":{"replicas":"9"}}');
  });

  it('counts calls that come at once, each before the next', async () => {
    const { asks, kinds } = under('record');
    await Promise.all([1, 2, 3].map((count) => asks('PATCH', scale('web'), replicas(count))));
    expect(kinds()).toEqual(['too-often']);
  });

  it('looks at what came back', async () => {
    const { asks, judge, kinds, ended } = under();
    await asks('GET', EXEC);
    judge.answered(1, { status: 101, exitCode: 3 });
    await settled();
    expect(kinds()).toEqual(['error']);
    expect(ended).toHaveLength(1);
  });

  it('one that failed may be made again', async () => {
    const { asks, judge, kinds } = under('record');
    await asks('GET', EXEC);
    judge.answered(1, { status: 500 });
    await asks('GET', EXEC);
    judge.answered(2, { status: 101, exitCode: 0 });
    await settled();
    expect(kinds()).toEqual(['error']);
  });
});

describe('security case 23: a try without effect', () => {
  it('does not stand for the call that a contract asks for', async () => {
    const { asks, kinds } = under('record');
    const target = '/apis/apps/v1/namespaces/prod/deployments/web/scale?dryRun=All';
    await asks('PATCH', target, { spec: { replicas: 3 } });
    expect(kinds()).toHaveLength(1);
  });
});
