import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { digestOf } from '#core/access/request.ts';
import { nameStatements } from '#core/access/statements.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import type { KubectlVersion } from './support/tools.ts';

const HOUR = 3_600_000;
const CONFIGMAP = '{"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"name":"asked"}}';

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const approval = 'approval: { reviewers: { any: [leads] }, maxDuration: 4h, statements: exact }';
  gateway = await KubernetesGateway.start(bed, { rule: approval });
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

/** A grant for these calls alone, as it is once somebody has approved it. */
async function approved(subject: string, ...calls: readonly string[]): Promise<string> {
  const [now, until] = [new Date(), new Date(Date.now() + HOUR)];
  const question = {
    ...{ requester: { issuer: gateway.issuer.url, subject }, target: 'cluster', rule: 'developers-work' },
    ...{ policy: 'a'.repeat(64), durationMs: HOUR, statements: nameStatements(calls), breakGlass: false },
    ...{ createdAt: now.toISOString(), pendingUntil: until.toISOString() },
  };
  const id = newSessionId(now.getTime(), randomBytes(10));
  const granted = { at: now.toISOString(), kind: 'granted', until: until.toISOString() } as const;
  const store = localAccessStore(gateway.dataDir);
  await store.create({ id, digest: digestOf(question), ...question, steps: [granted] });
  store.close();
  return id;
}

async function stepsOf(id: string): Promise<readonly string[]> {
  const store = localAccessStore(gateway.dataDir);
  const { steps } = await store.get(id);
  store.close();
  return steps.map(({ kind }) => kind);
}

test.each(['1.20', '1.37'] as const)(
  'security case 23: kubectl %s makes the calls that were approved, and no others',
  async (version: KubectlVersion) => {
    const sub = `asker-${version}`;
    const grant = await approved(
      sub,
      'get pods dev/web-0',
      'create pods/exec dev/web-0 ["echo","hello"]',
      `create configmaps dev/ ${CONFIGMAP}`,
      'patch configmaps dev/asked {"data":{"a":"c"}}',
      'get configmaps dev/asked',
      'delete configmaps dev/asked',
    );
    const kubeconfig = await gateway.kubeconfig({ sub, email: `${sub.replace('.', '')}@example.com` });
    const kubectl = (...args: readonly string[]) =>
      bed.kubectl(version, ['-n', 'dev', ...args], { kubeconfig });

    for (const other of [
      ['get', 'pods'],
      ['get', 'pod', 'echo-0'],
      ['create', 'configmap', 'asked', '--from-literal=a=c'],
      ['delete', 'configmap', 'asked', '--wait=false', '--force', '--grace-period=0'],
      ['exec', 'echo-0', '--', 'echo', 'hello'],
    ]) {
      const ran = await kubectl(...other);
      expect(ran.code, other.join(' ')).not.toBe(0);
      expect(ran.stderr).toContain('none of those that this grant is for');
    }
    expect(await stepsOf(grant)).toEqual(['granted']);

    expect(await kubectl('exec', 'web-0', '--', 'echo', 'hello')).toMatchObject({
      code: 0,
      stdout: 'hello\n',
    });
    expect(await stepsOf(grant)).toEqual(['granted', 'used']);
    expect((await kubectl('exec', 'web-0', '--', 'echo', 'bye')).stderr).toContain('none of those');
    expect((await kubectl('exec', '-i', 'web-0', '--', 'echo', 'hello')).stderr).toContain('leave out -i');
    expect(await kubectl('create', 'configmap', 'asked', '--from-literal=a=b')).toMatchObject({ code: 0 });
    const patched = (data: object) =>
      kubectl('patch', 'configmap', 'asked', '--type=merge', '-p', JSON.stringify({ data }));
    expect((await patched({ a: 'd' })).stderr).toContain('none of those');
    expect(await patched({ a: 'c' })).toMatchObject({ code: 0 });
    expect(await kubectl('delete', 'configmap', 'asked', '--wait=false')).toMatchObject({ code: 0 });
  },
);
