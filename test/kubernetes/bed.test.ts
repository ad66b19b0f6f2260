import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Api, type ApiCredentials } from './support/api.ts';
import { KubernetesBed } from './support/bed.ts';
import { EXEC_PROTOCOLS, rawExec } from './support/channels.ts';
import { clientNode } from './support/client-node.ts';
import { KUBECTL_OPERATIONS, KUBECTLS, Kubectl, sha256 } from './support/kubectl-operations.ts';
import { PYTHON_LIST_AND_EXEC } from './support/python-client.ts';
import { smallChart } from './support/small-chart.ts';

// The bed itself, with no gateway: what fails here is no fault of Custody's.
let bed: KubernetesBed;
let kubeconfig: string;
let developer: ApiCredentials;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const { cert, key } = await bed.certificate('ann', ['custody:developers']);
  developer = { url: bed.url, ca: bed.ca, cert, key };
  kubeconfig = await bed.writeKubeconfig({ server: bed.url, ca: bed.ca, cert, key });
});
afterAll(async () => bed?.stop());

describe.each(KUBECTLS)('kubectl $name', ({ version, env }) => {
  test.each(Object.entries(KUBECTL_OPERATIONS))('%s', async (_, operation) =>
    expect(
      operation(new Kubectl(bed, version, { kubeconfig, ...(env && { env }) })),
    ).resolves.toBeUndefined(),
  );
});

test.each([
  ['1.20', 'POST', 'POST'],
  ['1.35 without WebSocket for ports', 'GET', 'POST'],
  ['1.37', 'GET', 'GET'],
  ['1.37 over SPDY', 'POST', 'POST'],
])('kubectl %s asks for a command by %s, for a port by %s', async (name, exec, portForward) => {
  const { version, env = {} } = KUBECTLS.find((kind) => kind.name === name)!;
  const user = `of ${name}`;
  const own = await bed.kubeconfig(user, ['custody:developers']);
  const kubectl = new Kubectl(bed, version, { kubeconfig: own, env });
  await kubectl.good(['exec', '-n', 'dev', 'web-0', '--', 'true']);
  await KUBECTL_OPERATIONS['port-forward']!(kubectl);
  const asked = async (subresource: string) => {
    const event = await bed.audited(
      subresource,
      (seen) => seen.user.username === user && seen.objectRef?.subresource === subresource,
    );
    return event.verb === 'create' ? 'POST' : 'GET';
  };
  expect([await asked('exec'), await asked('portforward')]).toEqual([exec, portForward]);
});

test('kubectl debug adds a container to a running pod and gets a shell in it', async () => {
  const running = bed.startKubectl(
    '1.37',
    [
      'debug',
      '-i',
      '-n',
      'dev',
      'echo-0',
      '--image',
      'busybox',
      '-c',
      'looker',
      '--',
      'sh',
      '-c',
      'read a; echo saw $a',
    ],
    { kubeconfig },
  );
  running.process.stdin.end('something\n');
  expect((await running.exited).stdout).toContain('saw something');
});

test('kubectl run: a pod of no node, to its end and gone', async () => {
  const args = [
    'run',
    '-i',
    '--rm',
    '--restart=Never',
    '-n',
    'dev',
    'once',
    '--image',
    'busybox',
    '--',
    'sh',
    '-c',
  ];
  const ran = await bed.kubectl('1.37', [...args, 'cat; exit 4'], { kubeconfig, input: 'given\n' });
  expect(ran.stdout).toContain('given');
  expect(ran.code).toBe(4);
  expect((await bed.api.send('GET', '/api/v1/namespaces/dev/pods/once')).status).toBe(404);
});

test('an aggregated API and a custom resource answer', async () => {
  expect((await bed.kubectl('1.37', ['top', 'pods', '-n', 'dev'], { kubeconfig })).stdout).toMatch(
    /web-0\s+10m\s+16Mi/,
  );
  const widget = {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'dev' },
    spec: { n: 1 },
  };
  const applied = await bed.kubectl('1.37', ['apply', '-f', '-'], {
    kubeconfig,
    input: JSON.stringify(widget),
  });
  expect(applied.stdout).toContain('widget.example.com/w created');
});

test("the audit log names who the gateway's credential acts as, and it may act as no other group", async () => {
  const gateway = { server: bed.url, ca: bed.ca, token: bed.gatewayToken };
  const through = { kubeconfig: await bed.writeKubeconfig(gateway) };
  const get = ['get', 'pod', '-n', 'dev', 'web-0', '-o', 'name', '--as', 'ann@example.com'];
  const ran = await bed.kubectl(
    '1.37',
    [...get, '--as-group', 'custody:developers', '--as-user-extra', 'custody.session=s1'],
    through,
  );
  expect(ran).toMatchObject({ code: 0, stdout: 'pod/web-0\n' });
  const event = await bed.audited('the get', ({ impersonatedUser }) => impersonatedUser?.extra !== undefined);
  expect(event).toMatchObject({
    user: { username: 'system:serviceaccount:custody:custody-gateway' },
    impersonatedUser: {
      username: 'ann@example.com',
      groups: ['custody:developers', 'system:authenticated'],
      extra: { 'custody.session': ['s1'] },
    },
  });
  const refused = await bed.kubectl('1.37', [...get, '--as-group', 'system:masters'], through);
  expect(refused.stderr).toContain('cannot impersonate resource "groups"');
  expect((await bed.kubectl('1.37', ['get', 'pods', '-n', 'dev'], through)).stderr).toContain('Forbidden');
  const { cert, key } = bed.gatewayCertificate;
  const byCertificate = { kubeconfig: await bed.writeKubeconfig({ server: bed.url, ca: bed.ca, cert, key }) };
  expect((await bed.kubectl('1.37', [...get, '--as-group', 'custody:developers'], byCertificate)).code).toBe(
    0,
  );
});

test('helm installs, upgrades and takes away a release', async () => {
  const chart = await smallChart(join(bed.folder, 'chart'));
  const options = { kubeconfig };
  const helm = async (...args: string[]) => {
    const ran = await bed.helm([...args, '-n', 'dev'], options);
    expect(ran.stderr + ran.stdout).not.toContain('Error');
    return ran.stdout;
  };
  expect(await helm('install', 'site', chart)).toContain('STATUS: deployed');
  expect(await helm('upgrade', 'site', chart, '--set', 'replicas=3')).toContain('REVISION: 2');
  const deployment = await bed.api.get<{ spec: { replicas: number } }>(
    '/apis/apps/v1/namespaces/dev/deployments/site',
  );
  expect(deployment.spec.replicas).toBe(3);
  expect(await helm('uninstall', 'site')).toContain('uninstalled');
});

test('the Python client lists and executes', async () => {
  const ran = await bed.python(PYTHON_LIST_AND_EXEC, { kubeconfig });
  expect(ran.stderr).toBe('');
  expect(JSON.parse(ran.stdout)).toMatchObject({
    names: expect.arrayContaining(['echo-0', 'web-0']),
    out: 'out\n',
    err: 'err\n',
    code: 5,
  });
});

test('the JavaScript client lists, executes and watches', async () => {
  const client = clientNode(kubeconfig);
  expect(await client.podNames('dev')).toContain('web-0');
  const ran = await client.exec(['sh', '-c', 'head -c 5; exit 6'], Buffer.from('12345678'));
  expect(ran.stdout.toString()).toBe('12345');
  expect(ran.status).toMatchObject({ reason: 'NonZeroExitCode' });
  const name = randomUUID();
  const seen = new Promise<void>((resolve, reject) => {
    client.watch((_, came) => came === name && resolve()).catch(reject);
  });
  await new Api(developer).post('/api/v1/namespaces/dev/configmaps', { metadata: { name } });
  await seen;
});

test.each(EXEC_PROTOCOLS)('a WebSocket client of its own executes by %s', async (protocol) => {
  const bytes = randomBytes(20_000);
  const hashed = await rawExec(
    developer,
    protocol,
    ['sh', '-c', 'head -c 20000 | sha256sum; echo err >&2'],
    bytes,
  );
  expect(hashed.protocol).toBe(protocol);
  expect(hashed.stdout.toString()).toBe(`${sha256(bytes)}  -\n`);
  expect(hashed.stderr.toString()).toBe('err\n');
  // Before v4 nothing is said of a command that went well.
  expect(hashed.status).toContain(protocol.startsWith('v') ? '"Success"' : '');
});

describe('the load client', () => {
  const load = async <T>(...args: string[]): Promise<T> => {
    const ran = await bed.load(args, { kubeconfig });
    expect(ran.stderr).toBe('');
    return JSON.parse(ran.stdout.split('\n').at(-2)!) as T;
  };

  test.each(['json', 'protobuf', 'cbor'])('gets as %s', async (content) => {
    const got = await load<{ requests: number; errors: number }>(
      'get',
      '-clients',
      '2',
      '-seconds',
      '0.3',
      '-content',
      content,
    );
    expect(got.requests).toBeGreaterThan(10);
    expect(got.errors).toBe(0);
  });

  test('watches, holds watches, and follows as a controller does', async () => {
    expect(await load('watch', '-events', '20')).toMatchObject({ events: 20 });
    expect(await load('idle', '-watches', '50')).toEqual({ watches: 50, ended: 0 });
    expect(await load('informer', '-for', '100ms')).toMatchObject({ updated: 0 });
  });

  test.each([
    ['out over WebSocket', []],
    ['out over SPDY', ['-spdy']],
    ['in over WebSocket', ['-in']],
    ['in over SPDY', ['-in', '-spdy']],
  ])('moves bytes %s', async (_, how) => {
    const moved = await load<{ bytes: number; sent: string; got: string }>(
      'exec',
      '-bytes',
      '5000000',
      ...how,
    );
    expect(moved.bytes).toBe(5_000_000);
    expect(moved.got).toBe(moved.sent);
  });
});

test('nothing is left of a bed that has been stopped', async () => {
  const other = await KubernetesBed.start({ audit: false });
  const { pids, folder } = other;
  await other.stop();
  expect(existsSync(folder)).toBe(false);
  for (const pid of Object.values(pids)) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
