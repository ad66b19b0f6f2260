/** What custody writes for kubectl, as kubectl reads it: no cluster, but each real client and a server that sees what it shows. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';
import { clusterApi, PROD } from '#test/cli/kubernetes/support.ts';
import { custody, temporary } from '#test/cli/support.ts';
import { Running } from './support/run.ts';
import { type KubectlVersion, kubernetesTool } from './support/tools.ts';

const VERSIONS: readonly KubectlVersion[] = ['1.20', '1.35', '1.37'];
const VERSION = { major: '1', minor: '37', gitVersion: 'v1.37.2', platform: 'linux/amd64' };

interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly device: string | undefined;
}

/** In the place of a gateway. */
async function listener() {
  const { ca, gateway } = await localCertificates(join(temporary(), 'tls'), new Date());
  const seen: Seen[] = [];
  const tls = { cert: readFileSync(gateway.cert), key: readFileSync(gateway.key) };
  const server = createServer(
    { ...tls, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { authorization } = request.headers;
      const device = (request.socket as TLSSocket).getPeerX509Certificate()?.subject;
      seen.push({ path: request.url!, authorization, device });
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(VERSION));
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { seen, port: (server.address() as AddressInfo).port, caPem: readFileSync(ca, 'utf8') };
}

async function stand() {
  const { seen, port, caPem } = await listener();
  const { api, env } = await clusterApi({ ...PROD, host: 'localhost', port, caPem });
  const HOME = temporary();
  return { api, seen, env: { ...env, HOME, PATH: process.env['PATH']! } };
}

function kubectl(version: KubectlVersion, args: readonly string[], env: Record<string, string>) {
  return new Running(kubernetesTool(`kubectl-${version}`), args, { env }).exited;
}

// 1.20 is not among them: Debian built it with a newer Go than it is for, and it panics whenever it writes a kubeconfig.
describe.each(['1.35', '1.37'] as const)('kubectl %s', (version) => {
  test('reads what is put into a file of its own, and writes it again without losing what is ours', async () => {
    const { env } = await stand();
    const KUBECONFIG = join(temporary(), 'config');
    const own = { ...env, KUBECONFIG };
    for (const args of [
      ['set-cluster', 'home', '--server=https://192.0.2.1:6443'],
      ['set-credentials', 'home', '--token=0123'],
      ['set-context', 'home', '--cluster=home', '--user=home', '--namespace=yes'],
      ['use-context', 'home'],
    ])
      expect(await kubectl(version, ['config', ...args], own)).toMatchObject({ code: 0 });
    expect(await custody(['kubeconfig', '--install'], { env: own })).toMatchObject({ code: 0 });
    const read = await kubectl(version, ['config', 'view', '--raw', '-o', 'json'], own);
    expect(read).toMatchObject({ code: 0, stderr: '' });
    const config = JSON.parse(read.stdout) as Record<string, readonly { readonly name: string }[]>;
    expect(config).toMatchObject({ 'current-context': 'home' });
    expect(config['users']).toContainEqual({ name: 'home', user: { token: '0123' } });
    expect(config['contexts']!.map(({ name }) => name)).toEqual(['custody-prod', 'home']);
    // kubectl writes all of it anew: we still know our own.
    await kubectl(version, ['config', 'set-context', 'custody-prod', '--namespace=shop'], own);
    const again = await custody(['kubeconfig', '--install', '--prune'], { env: own });
    expect(again).toMatchObject({ code: 0 });
    const namespace = [
      'config',
      'view',
      '-o',
      'jsonpath={.contexts[?(@.name=="custody-prod")].context.namespace}',
    ];
    expect((await kubectl(version, namespace, own)).stdout).toBe('shop');
  });
});

describe.each(VERSIONS)('kubectl %s', (version) => {
  const old = version === '1.20' ? ['--exec-api', 'v1beta1'] : [];

  test('shows the token and the certificate of the device, at the path of the cluster', async () => {
    const { env, seen } = await stand();
    const key = join(temporary(), 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', key]);
    await custody(['ssh-login', '--key', key], { env });
    const file = join(temporary(), 'config');
    writeFileSync(file, (await custody(['kubeconfig', ...old], { env })).stdout);
    const ran = await kubectl(version, ['--kubeconfig', file, 'version', '-o', 'json'], env);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ serverVersion: VERSION });
    // Some versions ask for more than the version.
    expect(seen.filter(({ path }) => path.includes('/version'))).toEqual([
      {
        path: expect.stringMatching(/^\/clusters\/prod\/version/) as string,
        authorization: `Bearer ${env.CUSTODY_TOKEN}`,
        device: 'CN=Custody device',
      },
    ]);
  });

  test('says in our words why there is no credential', async () => {
    const { env, seen } = await stand();
    const file = join(temporary(), 'config');
    writeFileSync(file, (await custody(['kubeconfig', ...old], { env })).stdout);
    const ran = await kubectl(version, ['--kubeconfig', file, 'version'], {
      ...env,
      CUSTODY_TOKEN: '',
    });
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain('custody: you are not logged in');
    expect(ran.stderr).toContain('hint: run custody login');
    expect(seen).toEqual([]);
  });
});

test('custody connect runs kubectl with nothing of a person’s own kubeconfig', async () => {
  const { env, seen } = await stand();
  const kubectlPath = kubernetesTool('kubectl-1.37');
  const args = ['connect', 'prod', '--', kubectlPath, 'get', '--raw', '/api/v1/namespaces'];
  const ran = await custody(args, { env: { ...env, KUBECONFIG: '/nowhere' } });
  expect(ran.code).toBe(0);
  expect(seen.map(({ path }) => path)).toEqual(['/clusters/prod/api/v1/namespaces']);
});
