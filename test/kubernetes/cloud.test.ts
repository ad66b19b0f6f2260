import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { eventually } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { freePort, hasMoto } from '#test/support/moto.ts';
import { hasRadosgw, type Radosgw, startRadosgw } from '#test/support/radosgw.ts';
import { KubernetesBed } from './support/bed.ts';
import { recordedCalls } from './support/recorded-calls.ts';
import { root } from './support/tools.ts';

interface Task {
  readonly port: number;
  readonly task: CloudTask;
}

const POD = ['-n', 'dev', 'web-0'];
const EXEC = ['exec', '-n', 'dev', 'web-0', '--'];

/** Two tasks behind one name, with what the stack gives them, in front of a real API server. */
describe.runIf(hasMoto() && hasRadosgw() && hasDebianPostgres())(
  'kubernetes through tasks on AWS adapters',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'custody-cloud-kubernetes-'));
    let bed: KubernetesBed;
    let radosgw: Radosgw;
    let cloud: Cloud;
    let tasks: readonly [Task, Task];

    beforeAll(async () => {
      [bed, radosgw] = await Promise.all([KubernetesBed.start(), startRadosgw()]);
      cloud = await startCloud(radosgw);
      // As the stack does; the functions read it at their first call.
      process.env['CUSTODY_KUBERNETES_ADDRESS'] = 'gateway.example.com:6443';
      const { cert, key } = bed.gatewayCertificate;
      for (const [Name, SecretString] of [
        ['cluster-token', bed.gatewayToken],
        ['cluster-certificate', `${cert}\n${key}`],
      ] as const)
        await cloud.moto.clients.secrets.send(new CreateSecretCommand({ Name, SecretString }));
      const targets = `${targetOf(bed, 'cluster', '{ tokenSecret: cluster-token }')}${targetOf(bed, 'by-certificate', '{ certificateSecret: cluster-certificate }')}`;
      await cloud.configure((await cloud.config()).replace(/^rules:/m, `${targets}rules:\n${RULE}`));
      tasks = [await task(), await task()];
    });
    afterAll(async () => {
      await cloud?.stop();
      await Promise.all([bed?.stop(), radosgw?.stop()]);
      rmSync(folder, { recursive: true });
    });

    async function task(leaseMs?: number): Promise<Task> {
      const port = await freePort();
      Object.assign(cloud.environment, { CUSTODY_KUBERNETES_PORT: String(port) });
      return { port, task: await cloud.task(leaseMs) };
    }

    async function kubeconfig({ port }: Task, target = 'cluster'): Promise<string> {
      const server = `https://127.0.0.1:${port}/clusters/${target}`;
      const token = await cloud.token('developer');
      return bed.writeKubeconfig({ server, ca: readFileSync(cloud.ca, 'utf8'), token });
    }

    const sessions = async (target = 'cluster'): Promise<SessionRecord[]> => {
      const path = '/v1/sessions?limit=50';
      const answer = await cloud.call<{ sessions: SessionRecord[] }>('auditor', 'GET', path);
      return answer.sessions.filter((session) => session.target === target);
    };
    const sealed = (id: string): Promise<SessionRecord> =>
      eventually(
        `session ${id} to be sealed`,
        async () => {
          await cloud.run('sealer');
          return (await sessions()).find((session) => session.id === id && session.state !== 'open');
        },
        40_000,
      );

    it('lets kubectl in at every task with the credential of a secret, a session for each', async () => {
      const before = (await sessions()).length;
      for (const one of tasks) {
        const how = { kubeconfig: await kubeconfig(one) };
        const got = await bed.kubectl('1.37', ['get', 'pod', ...POD, '-o', 'name'], how);
        expect(got, got.stderr).toMatchObject({ code: 0, stdout: 'pod/web-0\n' });
        const ran = await bed.kubectl('1.37', [...EXEC, 'sh', '-c', 'echo hello; exit 3'], how);
        expect(ran, ran.stderr).toMatchObject({ code: 3, stdout: 'hello\n' });
      }
      expect((await sessions()).length - before).toBe(2);
    });

    it('lets it in with a client certificate of a secret', async () => {
      const how = { kubeconfig: await kubeconfig(tasks[0], 'by-certificate') };
      const got = await bed.kubectl('1.37', ['get', 'pod', ...POD, '-o', 'name'], how);
      expect(got, got.stderr).toMatchObject({ code: 0, stdout: 'pod/web-0\n' });
    });

    it('lets a role of AWS act as people once its group is bound, as its access entry has it', async () => {
      const kubeconfig = await bed.kubeconfig('custody-gateway-of-eks', ['custody-gateway']);
      const as = ['--as', 'custody:dana', '--as-group', 'custody:developers'];
      const get = () => bed.kubectl('1.37', ['get', 'pod', ...POD, '-o', 'name', ...as], { kubeconfig });
      expect((await get()).stderr).toContain('Forbidden');
      const applied = await bed.kubectl('1.37', [
        'apply',
        '-f',
        root('docs/kubernetes/gateway-rbac-eks.yaml'),
      ]);
      expect(applied, applied.stderr).toMatchObject({ code: 0 });
      const got = await eventually('the binding to be known', async () => {
        const one = await get();
        return one.code === 0 ? one : undefined;
      });
      expect(got.stdout).toBe('pod/web-0\n');
    });

    it('tells people where it is, with the CA of the gateway', async () => {
      const { targets } = await cloud.call<{ targets: { name: string }[] }>(
        'developer',
        'GET',
        '/v1/targets',
      );
      expect(targets.find(({ name }) => name === 'cluster')).toMatchObject({
        host: 'gateway.example.com',
        port: 6443,
        caPem: readFileSync(cloud.ca, 'utf8'),
      });
    });

    it('drains on SIGTERM: what runs ends, and its recording is sealed with the stores and the key of AWS', async () => {
      const { port, task: draining } = await task();
      const how = { kubeconfig: await kubeconfig({ port, task: draining }) };
      const known = new Set((await sessions()).map(({ id }) => id));
      const got = await bed.kubectl('1.37', [...EXEC, 'echo', 'before the end'], how);
      expect(got, got.stderr).toMatchObject({ code: 0, stdout: 'before the end\n' });
      const watch = bed.startKubectl('1.37', ['get', 'pods', '-n', 'dev', '--watch'], how);
      await watch.saw('web-0');
      expect(await draining.stop()).toBe(0);
      await watch.exited;
      const [session, ...others] = (await sessions()).filter(({ id }) => !known.has(id));
      expect(others).toEqual([]);
      await sealed(session!.id);
      expect(await cloud.verify(session!.id)).toMatchObject({ verdict: 'verified' });
      const paths = recordedCalls(await cloud.frames(session!.id)).map(({ request }) => request.head?.target);
      expect(paths.join('\n')).toContain('/api/v1/namespaces/dev/pods/web-0/exec');
    });

    it('is sealed and verified after kill -9 of its task, with the call that was under way', async () => {
      const killed = await task();
      const how = { kubeconfig: await kubeconfig(killed) };
      const known = new Set((await sessions()).map(({ id }) => id));
      const shell = bed.startKubectl('1.37', [...EXEC, 'sh', '-c', 'echo started; sleep 60'], how);
      await shell.saw('started');
      await killed.task.stop('SIGKILL');
      await shell.exited;
      const [session] = (await sessions()).filter(({ id }) => !known.has(id));
      await sealed(session!.id);
      expect(await cloud.verify(session!.id)).toMatchObject({ verdict: 'verified' });
      const calls = recordedCalls(await cloud.frames(session!.id));
      const exec = calls.find(({ request }) => request.head?.target.includes('/exec'));
      // Of a target with write-ahead, whatever reached the cluster is durable.
      expect(exec?.request.head).toMatchObject({ method: expect.any(String) as string });
    });

    it('goes on with a token that was rotated, from the next session on', async () => {
      const { secrets } = cloud.moto.clients;
      await secrets.send(new PutSecretValueCommand({ SecretId: 'cluster-token', SecretString: 'of-nobody' }));
      const refused = await bed.kubectl('1.37', ['get', 'pods', '-n', 'dev'], {
        kubeconfig: await kubeconfig(tasks[0]),
      });
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).not.toContain('of-nobody');
      const SecretString = bed.gatewayToken;
      await secrets.send(new PutSecretValueCommand({ SecretId: 'cluster-token', SecretString }));
      const got = await bed.kubectl('1.37', ['get', 'pod', ...POD, '-o', 'name'], {
        kubeconfig: await kubeconfig(tasks[0]),
      });
      expect(got, got.stderr).toMatchObject({ code: 0, stdout: 'pod/web-0\n' });
    });
  },
);

const RULE = `  - name: developers-in-clusters
    groups: [developers]
    targets: [cluster, by-certificate]
    allow: [connect]
    kubernetes: { as: { user: 'custody:{subject}', groups: ['custody:{groups}'] } }
`;

/** The CA as custody.yaml has it for a cluster of EKS: as it is in a kubeconfig. */
function targetOf({ url, ca }: KubernetesBed, name: string, credential: string): string {
  return `  ${name}:
    protocol: kubernetes
    address: ${url.replace('https://', '')}
    tls: { caData: ${Buffer.from(ca).toString('base64')} }
    credential: ${credential}
    recording: { durability: write-ahead }
`;
}
