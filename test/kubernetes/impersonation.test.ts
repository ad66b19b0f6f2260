import { afterAll, beforeAll, expect, test } from 'vitest';
import { Api } from './support/api.ts';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed);
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

const PODS = '/api/v1/namespaces/dev/pods/web-0';

test('the cluster sees the person, the groups of the rule, and which session it is', async () => {
  const kubeconfig = await gateway.kubeconfig({ email: 'seen@example.com' });
  expect((await bed.kubectl('1.37', ['get', 'pods', '-n', 'dev'], { kubeconfig })).code).toBe(0);
  const event = await bed.audited(
    'the list',
    ({ impersonatedUser }) => impersonatedUser?.username === 'seen@example.com',
  );
  expect(event.user.username).toBe('system:serviceaccount:custody:custody-gateway');
  expect(event.impersonatedUser?.groups).toEqual(['custody:developers', 'system:authenticated']);
  await gateway.end();
  await gateway.run();
  const session = await gateway.sessionOf('seen@example.com');
  expect(event.impersonatedUser?.extra?.['custody.session']).toEqual([session.id]);
});

test('what the rights of the cluster forbid is forbidden, in its own words', async () => {
  const kubeconfig = await gateway.kubeconfig({ email: 'other@example.com' });
  const ran = await bed.kubectl('1.37', ['get', 'pods', '-n', 'prod'], { kubeconfig });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain(
    'User "other@example.com" cannot list resource "pods" in API group "" in the namespace "prod"',
  );
});

test.each(['1.20', '1.37'] as const)('kubectl %s --as is refused, and says why', async (version) => {
  const email = `as-${version}@example.com`;
  const kubeconfig = await gateway.kubeconfig({ email });
  // kubectl keeps to itself what is said of its discovery: here it has that behind it.
  await bed.kubectl(version, ['get', 'pods', '-n', 'dev'], { kubeconfig });
  const before = (await bed.audit()).length;
  const ran = await bed.kubectl(
    version,
    ['get', 'pods', '-n', 'dev', '--as', 'admin', '--as-group', 'system:masters'],
    { kubeconfig },
  );
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/impersonat/i);
  expect(await bed.audit()).toHaveLength(before);
});

test.each([
  ['Impersonate-User', 'admin'],
  ['impersonate-group', 'system:masters'],
  ['IMPERSONATE-UID', '1'],
  ['Impersonate-Extra-Scopes', 'all'],
  ['Impersonate-Something-New', 'x'],
  ['X-Remote-User', 'admin'],
  ['X-Remote-Group', 'system:masters'],
  ['X-Remote-Extra-Scopes', 'all'],
])('security case 13: a header %s of a client is refused, and nothing passes', async (name, value) => {
  const email = `${name.toLowerCase()}@example.com`;
  const api = new Api(await gateway.credentials({ email }));
  const answer = await api.send('GET', gateway.path(PODS), undefined, { [name]: value });
  api.close();
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(404);
  expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', status: 'Failure' });
  expect((await bed.audit()).filter(({ impersonatedUser }) => impersonatedUser?.username === email)).toEqual(
    [],
  );
});

test('security case 19: where a proxy would say that a person is is not passed', async () => {
  const email = 'remote@example.com';
  const api = new Api(await gateway.credentials({ email }));
  const headers = {
    'X-Forwarded-For': '203.0.113.9',
    'X-Real-Ip': '203.0.113.9',
    Forwarded: 'for=203.0.113.9',
  };
  const answer = await api.send('GET', gateway.path(PODS), undefined, headers);
  expect([answer.status, answer.body]).toEqual([200, expect.any(String)]);
  api.close();
  const event = await bed.audited('the get', ({ impersonatedUser }) => impersonatedUser?.username === email);
  expect(event.impersonatedUser!.groups).toEqual(['custody:developers', 'system:authenticated']);
  expect(event.sourceIPs).toEqual(['127.0.0.1']);
});

test("security case 15: a client's token stays at the gateway", async () => {
  const email = 'token@example.com';
  const { token, ...place } = await gateway.credentials({ email });
  // The API server would answer 401 to a token it does not know, were it passed.
  const api = new Api({ ...place, token: token! });
  expect((await api.send('GET', gateway.path(PODS))).status).toBe(200);
  const direct = new Api({ url: bed.url, ca: bed.ca, token: token! });
  expect((await direct.send('GET', PODS)).status).toBe(401);
  api.close();
  direct.close();
});
