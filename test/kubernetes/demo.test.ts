/** The local demo with a cluster of somebody's: npm start --kubeconfig, then kubectl as a person has it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { said } from '#test/cli/login-support.ts';
import { type Ran, startCustody } from '#test/cli/support.ts';
import { eventually } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { KubernetesBed } from './support/bed.ts';
import { kubernetesTool } from './support/tools.ts';

let bed: KubernetesBed;
let gateway: LocalGateway;
let home: string;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await startLocalGateway({ args: ['--kubeconfig', bed.adminKubeconfig] });
  home = mkdtempSync(join(tmpdir(), 'custody-demo-home-'));
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
  if (home !== undefined) rmSync(home, { recursive: true, force: true });
});

const KUBECTL = () => kubernetesTool('kubectl-1.37');

async function custody(args: readonly string[], more: Record<string, string> = {}): Promise<Ran> {
  const env = { HOME: home, ...(await gateway.cliEnvironment('developer', join(home, 'custody'))), ...more };
  return startCustody(args, { env }).ended;
}

interface SessionLine {
  readonly id: string;
  readonly target: string;
  readonly protocol: string;
}

describe('npm start --kubeconfig', () => {
  test('says where the cluster is, and has it in custody.yaml', () => {
    expect(gateway.addresses.cluster).toMatchObject({ context: 'admin', address: new URL(bed.url).host });
    expect(gateway.addresses.kubernetes?.host).toBe('localhost');
  });

  test('lets a developer get pods by custody connect, as themselves', async () => {
    const ran = await custody([
      'connect',
      'cluster',
      '--',
      KUBECTL(),
      '-n',
      'dev',
      'get',
      'pods',
      '-o',
      'name',
    ]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout.split('\n')).toContain('pod/web-0');
    const event = await bed.audited('pods', ({ requestURI }) =>
      requestURI.startsWith('/api/v1/namespaces/dev/pods'),
    );
    expect(event).toMatchObject({
      impersonatedUser: {
        username: 'custody:dana@example.com',
        groups: expect.arrayContaining(['custody:developers']) as unknown,
      },
    });
  });

  test('lets kubectl as it is work by a kubeconfig, with exec and its exit code', async () => {
    const KUBECONFIG = join(home, 'kubeconfig');
    expect(await custody(['kubeconfig', '--install', '--namespace', 'dev'], { KUBECONFIG })).toMatchObject({
      code: 0,
    });
    const env = {
      HOME: home,
      PATH: process.env['PATH']!,
      KUBECONFIG,
      ...(await gateway.cliEnvironment('developer', join(home, 'custody'))),
    };
    const ran = await bed.kubectl(
      '1.37',
      ['--context', 'custody-cluster', 'exec', 'web-0', '--', 'sh', '-c', 'echo hi; exit 7'],
      {
        kubeconfig: KUBECONFIG,
        env,
      },
    );
    expect(ran).toMatchObject({
      code: 7,
      stdout: 'hi\n',
      stderr: expect.stringContaining('exit code 7') as string,
    });
  });

  test('refuses what the cluster refuses, and records it all in sessions of a person', async () => {
    const refused = await custody([
      'connect',
      'cluster',
      '--',
      KUBECTL(),
      '-n',
      'prod',
      'delete',
      'pod',
      'none',
    ]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('custody:dana@example.com');
    const sessions = await custody(['sessions', '--target', 'cluster', '--json']);
    const { sessions: all } = JSON.parse(sessions.stdout) as { readonly sessions: readonly SessionLine[] };
    expect(all.length).toBeGreaterThan(0);
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(['kubernetes']));
  });

  test('waits inside kubectl until somebody else has approved', async () => {
    const file = gateway.addresses.config;
    const text = readFileSync(file, 'utf8');
    const asking = 'approval: { reviewers: { any: [reviewers] }, maxDuration: 1h, reason: required }';
    writeFileSync(file, text.replace(/(name: developers-cluster\n)/, `$1    ${asking}\n`));
    const own = join(home, 'asking');
    const env = { HOME: home, ...(await gateway.cliEnvironment('developer', own)) };
    const access = async () => (await startCustody(['targets', '--json'], { env }).ended).stdout;
    await eventually('the rule asks', async () => (await access()).includes('requestable') || undefined);
    const refused = await startCustody(['connect', 'cluster', '--', KUBECTL(), 'get', 'ns'], { env }).ended;
    expect(refused.stderr).toContain("hint: CUSTODY_REASON='…' kubectl");
    const args = [
      'connect',
      '--reason',
      'a bug',
      'cluster',
      '--',
      KUBECTL(),
      '-n',
      'dev',
      'get',
      'pods',
      '-o',
      'name',
    ];
    const waiting = startCustody(args, { env });
    const id = await said(waiting, /custody approve ([0-9a-f-]{36})/);
    const reviewer = { HOME: home, ...(await gateway.cliEnvironment('reviewer', join(home, 'reviewer'))) };
    expect(await startCustody(['approve', id], { env: reviewer }).ended).toMatchObject({ code: 0 });
    const ran = await waiting.ended;
    expect(ran).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('cluster is granted until') as string,
    });
    expect(ran.stdout).toContain('pod/web-0');
    writeFileSync(file, text);
  });

  test('is refused to whom no rule lets', async () => {
    const env = { HOME: home, ...(await gateway.cliEnvironment('auditor', join(home, 'auditor'))) };
    const ran = await startCustody(['connect', 'cluster', '--', KUBECTL(), 'get', 'pods'], { env }).ended;
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('there is no target cluster that you may connect to');
  });
});
