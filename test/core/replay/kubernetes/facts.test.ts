/** What people look for in a step. */
import { expect, it } from 'vitest';
import { kubernetesFacts } from '#core/replay/kubernetes/facts.ts';
import type { KubernetesStep } from '#core/replay/kubernetes/step.ts';
import { DEPLOYMENTS, deployment, PODS, pod, stepsOf, Tape } from './support.ts';

const factsOf = (step: KubernetesStep) =>
  kubernetesFacts(new Map())({ step, toText: () => '', toJson: () => ({ ...step }) });

async function factsIn(...calls: readonly Parameters<Tape['call']>[]) {
  const tape = new Tape();
  for (const call of calls) tape.call(...call);
  return (await stepsOf(tape)).filter(({ call }) => call !== undefined).map(factsOf);
}

it('a read names what was read', async () => {
  const [get, list] = await factsIn(
    [{ target: `${PODS}/web-0` }, 200, pod('web-0')],
    [{ target: `${DEPLOYMENTS}?labelSelector=app%3Dweb` }, 200, { kind: 'DeploymentList', items: [] }],
  );
  expect(get).toMatchObject({
    ...{ isWrite: false, isError: false, text: 'get pods dev/web-0' },
    relations: [{ name: 'pods dev/web-0', how: 'read' }],
    bytes: { sent: 0, received: JSON.stringify(pod('web-0')).length },
  });
  expect(list).toMatchObject({
    ...{ text: 'list deployments.apps dev/*', values: ['app=web'] },
    relations: [{ name: 'deployments.apps dev/*', how: 'read' }],
  });
});

it('a change is a write, with its values before and after', async () => {
  const [, patch] = await factsIn(
    [{ target: `${DEPLOYMENTS}/web` }, 200, deployment(1)],
    [{ method: 'PATCH', target: `${DEPLOYMENTS}/web`, body: '{"spec":{"replicas":3}}' }, 200, deployment(3)],
  );
  expect(patch).toMatchObject({
    ...{ isWrite: true, text: 'patch deployments.apps dev/web', values: ['1', '3'] },
    relations: [{ name: 'deployments.apps dev/web', how: 'written' }],
  });
});

it('what only asks, tries, or was refused is no write', async () => {
  const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const all = await factsIn(
    [{ method: 'POST', target: reviews }, 201, {}],
    [{ method: 'DELETE', target: `${PODS}/a?dryRun=All` }, 200, {}],
    [{ method: 'DELETE', target: `${PODS}/a` }, 403, { kind: 'Status', reason: 'Forbidden', message: 'no' }],
  );
  expect(all.map(({ isWrite }) => isWrite)).toEqual([false, false, false]);
  expect(all[2]).toMatchObject({
    isError: true,
    codes: ['403', 'Forbidden'],
    messages: expect.arrayContaining(['no']),
  });
});

const exec = (words: string[], more: Partial<KubernetesStep> = {}): KubernetesStep => ({
  ...{ kind: 'exec', at: 0, took: 1, channel: 1, outcome: 'completed', words },
  command: { text: words.join(' '), bytes: 0, cut: false },
  call: {
    ...{ method: 'GET', target: { text: '/', bytes: 1, cut: false }, http: '1.1', connection: 1 },
    ...{ verb: 'create', resource: 'pods/exec', namespace: 'dev', name: 'web-0' },
  },
  ...more,
});

it('a command that ran may have changed anything, unless it only looks', () => {
  expect(factsOf(exec(['sh', '-c', 'ls']))).toMatchObject({
    ...{ isWrite: true, text: 'create pods/exec dev/web-0 [sh -c ls]', values: ['-c', 'ls'] },
    relations: [{ name: 'pods dev/web-0', how: 'written' }],
  });
  expect(factsOf(exec(['/bin/cat', '/etc/hosts'])).isWrite).toBe(false);
  expect(factsOf(exec(['rm', 'x'], { outcome: 'refused' })).isWrite).toBe(false);
  const failed = exec(['make'], { outcome: 'failed', program: { exitCode: 7 } });
  expect(factsOf(failed)).toMatchObject({ isError: true, codes: ['exit 7'] });
});

it('a namespace is named once', async () => {
  const [facts] = await factsIn([{ method: 'DELETE', target: '/api/v1/namespaces/dev' }, 200, {}]);
  expect(facts).toMatchObject({ text: 'delete namespaces dev', relations: [{ name: 'namespaces dev' }] });
});

it('a file that was copied names its path', () => {
  const file = {
    path: { text: 'etc/x', bytes: 5, cut: false },
    type: 'file',
    size: 9,
    sha256: 'aa',
  } as const;
  const step = { kind: 'file', at: 0, took: 0, channel: 1 } as const;
  expect(factsOf({ ...step, file: { ...file, direction: 'upload' } })).toMatchObject({
    isWrite: true,
    files: [{ path: 'etc/x', how: 'written', bytes: 9, sha256: 'aa' }],
  });
  expect(factsOf({ ...step, file: { ...file, direction: 'download' } }).isWrite).toBe(false);
});
