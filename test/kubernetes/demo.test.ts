/** The local demo with a cluster of somebody's: npm start --kubeconfig, then kubectl as a person has it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { said } from '#test/cli/login-support.ts';
import { type Ran, startCustody } from '#test/cli/support.ts';
import { eventually } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { KubernetesBed } from './support/bed.ts';
import { PYTHON_LIST_AND_EXEC } from './support/python-client.ts';
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

/** A kubeconfig as custody writes it, and the environment of whoever uses it. */
async function installed() {
  const kubeconfig = join(home, 'kubeconfig');
  const args = ['kubeconfig', '--install', '--use', '--namespace', 'dev'];
  expect(await custody(args, { KUBECONFIG: kubeconfig })).toMatchObject({ code: 0 });
  return { kubeconfig, env: await gateway.cliEnvironment('developer', join(home, 'custody')) };
}

interface SessionLine {
  readonly id: string;
  readonly target: string;
  readonly protocol: string;
}

/** As custody.yaml has it. */
const WORKFLOW = `  opening:
    tasks:
      open:
        target: cluster
        by: [{ groups: [developers] }]
        within: 15m
        contract:
          order: strict
          does:
            - name: write
              call:
                verb: create
                resource: configmaps
                namespace: dev
                body: { apiVersion: v1, kind: ConfigMap, metadata: { name: door }, data: { open: $1 } }
              values: { $1: { type: text } }
            - name: look
              call: { verb: get, resource: configmaps, namespace: dev, name: door }
            - name: tell
              call:
                verb: create
                resource: pods/exec
                namespace: dev
                name: web-0
                query: { container: main }
                command: [echo, the door is open]
`;

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
    const ran = await bed.kubectl(
      '1.37',
      ['--context', 'custody-cluster', 'exec', 'web-0', '--', 'sh', '-c', 'echo hi; exit 7'],
      await installed(),
    );
    expect(ran).toMatchObject({
      code: 7,
      stdout: 'hi\n',
      stderr: expect.stringContaining('exit code 7') as string,
    });
  });

  test('lets helm deploy and say what it has', async () => {
    const chart = join(home, 'chart');
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 0.1.0\n');
    const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop }\ndata: { open: "yes" }\n';
    writeFileSync(join(chart, 'templates', 'shop.yaml'), object);
    const helm = async (...args: string[]) => bed.helm(args, await installed());
    expect(await helm('upgrade', '--install', 'shop', chart)).toMatchObject({ code: 0 });
    const { stdout } = await helm('list', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'shop', namespace: 'dev', status: 'deployed' }]);
  });

  test('lets the Python client list pods and run a command, by the same plugin', async () => {
    const ran = await bed.python(PYTHON_LIST_AND_EXEC, await installed());
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ out: 'out\n', err: 'err\n', code: 5 });
  });

  test('lets the JavaScript client do the same', async () => {
    const { kubeconfig, env } = await installed();
    const client = fileURLToPath(new URL('support/client-node.ts', import.meta.url));
    const script = `const { clientNode } = await import(${JSON.stringify(client)});
      const client = clientNode(process.env.KUBECONFIG);
      const { stdout, status } = await client.exec(['echo', 'hi']);
      console.log(JSON.stringify({ names: await client.podNames('dev'), out: stdout.toString(), status: status.status }));`;
    const node = bed.start(process.execPath, ['--input-type=module', '-e', script], { kubeconfig, env });
    const ran = await node.exited;
    expect(ran).toMatchObject({ code: 0 });
    const seen = JSON.parse(ran.stdout) as { readonly names: readonly string[] };
    expect(seen).toMatchObject({ out: 'hi\n', status: 'Success' });
    expect(seen.names).toContain('web-0');
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

  test('runs the calls of a contract, and has its result as soon as they are done', async () => {
    const file = gateway.addresses.config;
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/^workflows:.*\n/m, (line) => line + WORKFLOW),
    );
    const own = { HOME: home, ...(await gateway.cliEnvironment('developer', join(home, 'tasks'))) };
    const run = (...args: string[]) => startCustody(args, { env: own }).ended;
    await eventually(
      'the workflow',
      async () => (await run('workflow', 'show', 'opening')).code === 0 || undefined,
    );
    const started = await run('run', 'start', 'opening', '--json');
    expect(started).toMatchObject({ code: 0 });
    const { id } = JSON.parse(started.stdout) as { readonly id: string };
    const done = await run('run', 'exec', id, 'open', '--value', 'write.$1=yes', '--json');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stderr).toContain('open: kept its contract');
    const result = JSON.parse(done.stdout) as {
      readonly commands: readonly object[];
    };
    expect(result.commands).toMatchObject([
      { command: 'write' },
      { command: 'look' },
      { command: 'tell', exitCode: 0 },
    ]);
    const map = await bed.kubectl('1.37', [
      '-n',
      'dev',
      'get',
      'configmap',
      'door',
      '-o',
      'jsonpath={.data.open}',
    ]);
    expect(map.stdout).toBe('yes');
    const kubectl = await run(
      'run',
      'task',
      id,
      'open',
      '--',
      KUBECTL(),
      '-n',
      'dev',
      'delete',
      'pod',
      'web-0',
    );
    expect(kubectl.code).not.toBe(0);
    expect(kubectl.stderr).toContain('custody');
    writeFileSync(file, text);
  }, 60_000);

  test('shows the key of a registered device, where the rule wants one', async () => {
    const file = gateway.addresses.config;
    const text = readFileSync(file, 'utf8');
    const own = async (name: string) => ({
      HOME: home,
      ...(await gateway.cliEnvironment('developer', join(home, name))),
    });
    const [laptop, other] = [await own('laptop'), await own('other')];
    expect(await startCustody(['devices', 'register'], { env: laptop }).ended).toMatchObject({ code: 0 });
    const wanted = '    when: { device: registered }\n';
    writeFileSync(
      file,
      text.replace(/name: developers-cluster\n/, (line) => line + wanted),
    );
    const get = ['connect', 'cluster', '--', KUBECTL(), '-n', 'dev', 'get', 'pods', '-o', 'name'];
    const refused = async () => (await startCustody(get, { env: other }).ended).stderr;
    await eventually(
      'the rule wants a device',
      async () => (await refused()).includes('device') || undefined,
    );
    const ran = await startCustody(get, { env: laptop }).ended;
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toContain('pod/web-0');
    writeFileSync(file, text);
    await eventually('it does no more', async () => (await refused()) === '' || undefined);
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
