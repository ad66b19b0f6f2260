import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { AS_DEVELOPERS } from './support/gateway-config.ts';
import type { KubectlVersion } from './support/tools.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;
let kubeconfig: string;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const calls = [
    '{ verbs: [read] }',
    '{ verbs: [create], resources: [pods/exec], namespaces: [dev], names: ["web-*"], commands: [[ls, "**"], [cat]] }',
    '{ verbs: [create], resources: [configmaps], namespaces: [dev] }',
    '{ verbs: [patch, delete], resources: [configmaps], namespaces: [dev], names: ["app-*"] }',
    '{ verbs: ["*"], paths: ["/api", "/api/**", "/apis", "/apis/**", "/openapi/**", "/version"] }',
  ];
  gateway = await KubernetesGateway.start(bed, {
    kubernetes: `${AS_DEVELOPERS}, calls: [${calls.join(', ')}], deny: [{ verbs: [read], resources: [secrets] }]`,
  });
  kubeconfig = await gateway.kubeconfig();
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

async function kubectl(version: KubectlVersion, ...args: string[]) {
  return bed.kubectl(version, ['-n', 'dev', ...args], { kubeconfig });
}

test('what the rule allows passes', async () => {
  expect((await kubectl('1.37', 'get', 'pods,configmaps,deployments')).code).toBe(0);
  expect(await kubectl('1.37', 'create', 'configmap', 'app-one')).toMatchObject({ code: 0, stderr: '' });
  expect(await kubectl('1.37', 'delete', 'configmap', 'app-one')).toMatchObject({ code: 0, stderr: '' });
  for (const version of ['1.20', '1.35', '1.37'] as const)
    expect((await kubectl(version, 'exec', 'web-0', '--', 'ls', '-a')).code).toBe(0);
});

test.each([
  ['a verb', ['delete', 'pod', 'web-0', '--wait=false']],
  ['a name', ['delete', 'configmap', 'other']],
  ['what is denied', ['get', 'secrets']],
  ['a subresource', ['attach', 'echo-0']],
  ['a forward', ['port-forward', 'web-0', ':80']],
  ['the pod of an exec', ['exec', 'echo-0', '--', 'ls']],
  ['the command of an exec', ['exec', 'web-0', '--', 'cat', '/etc/passwd']],
])(
  'security case 4: %s that the rule does not allow is refused by each way, as kubectl prints it',
  async (_, args) => {
    for (const version of ['1.20', '1.35', '1.37'] as const) {
      const ran = await kubectl(version, ...args);
      expect(ran.code).not.toBe(0);
      // A sentence, with what to do next.
      expect(ran.stderr).toMatch(
        /custody: [^{}]+ is forbidden: the rule "developers-work" (?:does not let it pass|denies it); see what it lets pass: custody explain/,
      );
    }
  },
);

test('nothing of what was refused has reached the cluster, and all of it is recorded', async () => {
  await gateway.end();
  const session = await gateway.sessionOf('dana@example.com');
  const refused = (await gateway.notes(session.id)).filter(({ note }) => note === 'call-refused');
  expect(refused.length).toBeGreaterThanOrEqual(7 * 3);
  const calls = await gateway.calls(session.id);
  for (const { call } of refused) {
    const of = calls.find((one) => one.call === call)!;
    expect(of.forwarded).toBeUndefined();
    expect(of.own.head?.status).toBe(403);
  }
  const audit = await bed.audit();
  expect(audit.filter(({ verb, objectRef }) => verb === 'delete' && objectRef?.name === 'web-0')).toEqual([]);
  expect(
    audit.filter(({ impersonatedUser, objectRef }) => impersonatedUser && objectRef?.resource === 'secrets'),
  ).toEqual([]);
  expect(audit.filter(({ requestURI }) => requestURI.includes('command=cat'))).toEqual([]);
});
