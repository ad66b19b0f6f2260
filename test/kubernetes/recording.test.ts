import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Api } from './support/api.ts';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { sha256 } from './support/kubectl-operations.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed, {
    target: 'withhold: [secrets], recording: { responses: { list: digest } }',
  });
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

/** All that a recording has, as text. */
async function everything(email: string): Promise<string> {
  await gateway.end();
  await gateway.run();
  const { id } = await gateway.sessionOf(email);
  expect((await gateway.verify(id)).verdict).toBe('verified');
  return Buffer.concat((await gateway.frames(id)).map(({ payload }) => Buffer.from(payload))).toString(
    'latin1',
  );
}

test.each([
  'application/json',
  'application/vnd.kubernetes.protobuf',
  'application/cbor',
  'application/yaml',
])(
  "security case 15: a secret's values are in no recording where the target withholds them: %s",
  async (accept) => {
    const email = `secret-${randomUUID()}@example.com`;
    const value = `value-${randomUUID()}`;
    const api = new Api(await gateway.credentials({ email }));
    const name = `secret-${randomUUID()}`;
    const made = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value } };
    const secrets = gateway.path('/api/v1/namespaces/dev/secrets');
    await api.post(secrets, made);
    const got = await api.send('GET', `${secrets}/${name}`, undefined, { accept });
    const list = await api.send('GET', secrets, undefined, { accept });
    api.close();
    // The client has it all the same.
    const base64 = Buffer.from(value).toString('base64');
    for (const { status, body } of [got, list]) {
      expect(status).toBe(200);
      expect([value, base64].some((form) => body.includes(form))).toBe(true);
    }
    const all = await everything(email);
    expect(all).toContain(name);
    expect(all).not.toContain(value);
    expect(all).not.toContain(base64);
  },
);

test('security case 15: nor are they where kubectl shows, applies and edits them', async () => {
  const email = 'kubectl-secret@example.com';
  const kubeconfig = await gateway.kubeconfig({ email });
  const values = [1, 2, 3].map(() => `value-${randomUUID()}`);
  const [first, second, third] = values;
  const run = async (args: string[], input = '') => {
    const ran = await bed.kubectl('1.37', [...args, '-n', 'dev'], { kubeconfig, input });
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    return ran.stdout;
  };
  await run(['create', 'secret', 'generic', 'shown', `--from-literal=a=${first}`]);
  const applied = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'applied' },
    stringData: { a: second },
  };
  await run(['apply', '-f', '-'], JSON.stringify(applied));
  await run(['patch', 'secret', 'shown', '-p', JSON.stringify({ stringData: { a: third } })]);
  expect(await run(['get', 'secret', 'shown', '-o', 'yaml'])).toContain(
    Buffer.from(third!).toString('base64'),
  );
  const all = await everything(email);
  for (const value of values) {
    expect(all).not.toContain(value);
    expect(all).not.toContain(Buffer.from(value).toString('base64'));
  }
});

test('a list is kept as its digest where the target says so, a get as it is', async () => {
  const email = 'digest@example.com';
  const api = new Api(await gateway.credentials({ email }));
  const list = await api.send('GET', gateway.path('/api/v1/namespaces/dev/pods'));
  const got = await api.send('GET', gateway.path('/api/v1/namespaces/dev/pods/web-0'));
  api.close();
  await everything(email);
  const calls = await gateway.calls((await gateway.sessionOf(email)).id);
  expect(calls[0]!.response.withheld).toEqual([
    { why: 'digest', bytes: Buffer.byteLength(list.body), sha256: sha256(Buffer.from(list.body)) },
  ]);
  expect(calls[0]!.response.body.length).toBe(0);
  expect(calls[1]!.response.body.toString()).toBe(got.body);
});
