/** What kubectl, helm and psql leave behind, as a person reads it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionPrefix } from '#core/recording/layout.ts';
import { asciicast } from '#core/replay/asciicast.ts';
import type { KubernetesStep } from '#core/replay/kubernetes/step.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import { READERS } from '#core/replay/readers.ts';
import { custody } from '#test/cli/support.ts';
import { startDebianPostgres } from '#test/support/debian-postgres.ts';
import { freePort } from '#test/support/moto.ts';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { sha256 } from './support/kubectl-operations.ts';
import { smallChart } from './support/small-chart.ts';
import { kubernetesTool } from './support/tools.ts';

const reader = READERS.get('kubernetes')!;
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

interface Read {
  readonly session: string;
  readonly steps: readonly KubernetesStep[];
  readonly texts: readonly string[];
}

/** The steps of the one session of a person, once it is sealed. */
async function readBack(email: string): Promise<Read> {
  await gateway.end();
  await gateway.run();
  const { id } = await gateway.sessionOf(email);
  const steps: KubernetesStep[] = [];
  const texts: string[] = [];
  const factsOf = await LOAD_FACTS.get('kubernetes')!();
  for await (const read of reader.steps(framesOf(id), 'whole', () => undefined)) {
    const json = JSON.parse(JSON.stringify(read.toJson())) as Record<string, unknown>;
    expect(reader.shape.safeParse(json).error).toBeUndefined();
    factsOf(read);
    steps.push(read.step as KubernetesStep);
    texts.push(read.toText(160));
  }
  if (process.env['CUSTODY_SHOW_STEPS'] !== undefined) process.stderr.write(`${texts.join('\n')}\n`);
  expect(steps.filter(({ kind }) => kind === 'damaged')).toEqual([]);
  return { session: id, steps, texts };
}

async function* framesOf(session: string) {
  yield* await gateway.frames(session);
}

const resourcesOf = (steps: readonly KubernetesStep[]) =>
  steps.flatMap(({ call }) => (call?.resource === undefined ? [] : [`${call.verb} ${call.resource}`]));

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'made', labels: { tier: 'one' } },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'registry.example/x:1' }] },
};

test.each(['1.20', '1.37'] as const)(
  'kubectl %s: apply, change and delete are calls with changes',
  async (version) => {
    const email = `apply-${version}@example.com`;
    const kubeconfig = await gateway.kubeconfig({ email });
    const run = async (args: string[], input = '') => {
      const ran = await bed.kubectl(version, ['-n', 'dev', ...args], { kubeconfig, input });
      expect(ran.code, ran.stderr).toBe(0);
    };
    const name = `made-${version.replace('.', '-')}`;
    const pod = { ...POD, metadata: { ...POD.metadata, name } };
    await run(['apply', '-f', '-'], JSON.stringify(pod));
    const changed = { ...pod, metadata: { ...pod.metadata, labels: { tier: 'two' } } };
    await run(['apply', '-f', '-'], JSON.stringify(changed));
    await run(['delete', 'pod', name, '--grace-period=0', '--force', '--wait=false']);
    const { steps, texts } = await readBack(email);
    expect(steps[0]).toMatchObject({ kind: 'login', login: { user: email, groups: ['custody:developers'] } });
    expect(resourcesOf(steps)).toEqual(expect.arrayContaining(['create pods', 'patch pods', 'delete pods']));
    const patch = steps.find(({ call }) => call?.verb === 'patch');
    expect(patch?.diff?.changes).toContainEqual({
      ...{ path: 'metadata.labels.tier', change: 'changed' },
      before: { text: '"one"', bytes: 5, cut: false },
      after: { text: '"two"', bytes: 5, cut: false },
    });
    expect(texts.join('\n')).toMatch(new RegExp(`patch pods dev/${name} → 200`));
    expect(texts.join('\n')).toContain('~ metadata.labels.tier: "one" → "two"');
  },
);

test.each(['1.20', '1.37'] as const)('kubectl %s: exec -it is a terminal that plays', async (version) => {
  const email = `exec-${version}@example.com`;
  const kubeconfig = await gateway.kubeconfig({ email });
  const kubectl = kubernetesTool(`kubectl-${version}`);
  const command = `${kubectl} -n dev exec -it web-0 -- sh`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, HOME: bed.folder, KUBECONFIG: kubeconfig, TERM: 'xterm', PS1: '$ ' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  const typed = ['echo "one"-"two"\r', 'exit 7\r'];
  child.stdout.on('data', (bytes: Buffer) => {
    shown += bytes.toString();
    if (!/[$#] $/.test(shown) || typed.length === 0) return;
    shown = '';
    child.stdin.write(typed.shift()!);
  });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(7);
  const { session, steps } = await readBack(email);
  const lines = steps.filter(({ kind }) => kind === 'command').map(({ command: line }) => line?.text);
  expect(lines).toEqual(['echo "one"-"two"', 'exit 7']);
  const exec = steps.find(({ kind }) => kind === 'exec');
  expect(exec).toMatchObject({ outcome: 'failed', words: ['sh'], program: { tty: true, exitCode: 7 } });
  expect(steps.some(({ kind, channel }) => kind === 'begun' && channel === exec?.channel)).toBe(true);
  const cast: string[] = [];
  const options = { version: 3, startedAt: 0, title: 'exec', input: false } as const;
  const events = reader.terminal!(framesOf(session), exec?.channel);
  for await (const line of asciicast(events, options, { replaced: false })) cast.push(line);
  expect(cast.join('\n')).toContain('one-two');
  expect(cast.at(-1)).toMatch(/"x","7"\]$/);
});

test.each(['1.20', '1.37'] as const)('kubectl %s: cp is read as files, both ways', async (version) => {
  const email = `cp-${version}@example.com`;
  const kubeconfig = await gateway.kubeconfig({ email });
  const content = `content ${'x'.repeat(100_000)}`;
  const local = join(bed.folder, `up-${version}`);
  await writeFile(local, content);
  const copied = async (from: string, to: string) =>
    bed.kubectl(version, ['-n', 'dev', 'cp', from, to], { kubeconfig });
  expect((await copied(local, `dev/web-0:up-${version}`)).code).toBe(0);
  expect((await copied(`dev/web-0:up-${version}`, `${local}-back`)).code).toBe(0);
  expect(await readFile(`${local}-back`, 'utf8')).toBe(content);
  const { steps } = await readBack(email);
  const files = steps.flatMap(({ file }) => (file === undefined ? [] : [file]));
  expect(files.map(({ direction }) => direction)).toEqual(['upload', 'download']);
  for (const file of files)
    expect(file).toMatchObject({ type: 'file', size: content.length, sha256: sha256(Buffer.from(content)) });
});

test.each(['1.20', '1.37'] as const)(
  'kubectl %s: psql over a port-forward is read as statements',
  async (version) => {
    const email = `psql-${version}@example.com`;
    const kubeconfig = await gateway.kubeconfig({ email });
    const [remote, local] = [await freePort(), await freePort()];
    const database = await startDebianPostgres(remote, 'scram-sha-256');
    try {
      const args = ['-n', 'dev', 'port-forward', 'pod/web-0', `${local}:${remote}`];
      const forward = bed.startKubectl(version, args, { kubeconfig });
      await forward.saw(/Forwarding from 127/);
      const psql = spawn(
        'psql',
        ['-h', '127.0.0.1', '-p', String(local), '-U', 'app', 'postgres', '-c', 'SELECT 41 + 1 AS answer'],
        {
          env: { ...process.env, PGPASSWORD: database.password },
          stdio: 'ignore',
        },
      );
      expect((await once(psql, 'exit'))[0]).toBe(0);
      forward.process.kill('SIGINT');
      await forward.exited;
    } finally {
      await database.stop();
    }
    const { steps, texts } = await readBack(email);
    const carried = steps.flatMap(({ carried: inner }) => (inner === undefined ? [] : [inner.step]));
    expect(carried.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['login', 'completed'],
      ['query', 'completed'],
    ]);
    expect(JSON.stringify(carried[1])).toContain('SELECT 41 + 1 AS answer');
    expect(texts.join('\n')).toContain('SELECT 41 + 1 AS answer');
    expect(steps.find(({ kind }) => kind === 'forward')?.forward).toMatchObject({
      port: remote,
      speaks: 'postgres',
    });
  },
);

test('helm install and upgrade are calls, and the change is shown', async () => {
  const email = 'helm@example.com';
  const kubeconfig = await gateway.kubeconfig({ email });
  const chart = await smallChart(join(bed.folder, 'chart'));
  for (const replicas of [1, 3]) {
    const args = ['-n', 'dev', 'upgrade', '--install', 'site', chart, '--set', `replicas=${replicas}`];
    const ran = await bed.helm(args, { kubeconfig });
    expect([ran.code, ran.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
  }
  const { steps } = await readBack(email);
  expect(resourcesOf(steps)).toEqual(expect.arrayContaining(['create secrets', 'patch deployments.apps']));
  const patch = steps.findLast(({ call }) => call?.verb === 'patch' && call.resource === 'deployments.apps');
  expect(patch?.diff?.changes).toContainEqual(
    expect.objectContaining({ path: 'spec.replicas', before: expect.objectContaining({ text: '1' }) }),
  );
});

test('custody play, steps, search and export read it from its evidence', async () => {
  const email = 'cli@example.com';
  const kubeconfig = await gateway.kubeconfig({ email });
  const run = async (...args: string[]) => bed.kubectl('1.37', ['-n', 'dev', ...args], { kubeconfig });
  await run('get', 'pods');
  expect((await run('exec', 'web-0', '--', 'sh', '-c', 'echo out; exit 7')).code).toBe(7);
  const { session, steps } = await readBack(email);
  const [folder, signer] = [join(gateway.dataDir, 'evidence'), join(gateway.dataDir, 'signer.pem')];
  await cp(join(gateway.dataDir, 'store', sessionPrefix(session)), folder, { recursive: true });
  await cp(signer, join(folder, 'signer.pem'));
  const said = async (...args: string[]) => {
    const [command = '', ...more] = args;
    const { stdout, stderr } = await custody([command, folder, '--key', signer, ...more], {});
    return stdout + stderr;
  };
  expect(await said('play')).toMatch(
    /create pods\/exec dev\/web-0 \[sh -c 'echo out; exit 7'\] → 101, exit 7/,
  );
  const exec = steps.find(({ kind }) => kind === 'exec')!;
  expect(await said('export', '--ndjson')).toContain('"exitCode":7');
  expect(await said('export', '--ocsf')).toContain('"class_name":"API Activity"');
  expect(await said('export', '--asciicast', '--channel', String(exec.channel))).toContain('"o","out\\r\\n"');
  expect(await said('steps', '--errors')).toContain('exit 7');
  const page = join(gateway.dataDir, 'page.html');
  expect(await said('export', '--bundle', '--out', page)).toContain('page.html');
  expect((await readFile(page, 'utf8')).length).toBeGreaterThan(1 << 20);
});

test('a watch tells what changes while it runs', async () => {
  const email = 'watch@example.com';
  const kubeconfig = await gateway.kubeconfig({ email });
  const watching = bed.startKubectl('1.37', ['-n', 'dev', 'get', 'pods', '-w', '-o', 'name'], { kubeconfig });
  await watching.saw('pod/web-0');
  const pod = { ...POD, metadata: { name: 'watched' } };
  await bed.kubectl('1.37', ['-n', 'dev', 'create', '-f', '-'], { input: JSON.stringify(pod) });
  await watching.saw('pod/watched');
  watching.process.kill('SIGINT');
  await watching.exited;
  const { steps } = await readBack(email);
  const added = steps.find(({ event }) => event?.name === 'watched');
  expect(added?.event).toMatchObject({ type: 'ADDED', kind: 'Pod', namespace: 'dev' });
  expect(steps.find(({ kind }) => kind === 'watch')).toMatchObject({ outcome: 'cut' });
});

test.each(['json', 'protobuf', 'cbor'])("a watch of client-go's in %s is read", async (content) => {
  const email = `watch-${content}@example.com`;
  const kubeconfig = await gateway.kubeconfig({ email });
  const ran = await bed.load(['watch', '-content', content, '-events', '20'], { kubeconfig });
  expect(ran.code, ran.stderr).toBe(0);
  const { steps } = await readBack(email);
  const counts = steps.flatMap(({ watch }) => watch?.counts ?? []);
  expect(counts).toContainEqual({ type: 'ADDED', kind: 'ConfigMap', count: 20 });
  expect(
    steps.filter(({ event }) => event?.type === 'ADDED' && event.name?.startsWith('watch-')),
  ).toHaveLength(20);
});

/** What the API server's audit log says of a call, and what a step does. */
type Line = readonly [
  verb: string,
  resource: string,
  namespace: string,
  name: string,
  status: number,
  user: string,
];

const STARTS = new Set(['exec', 'attach', 'portforward']);

test("steps say of each call what the API server's own audit log says", async () => {
  const email = 'oracle@example.com';
  const kubeconfig = await gateway.kubeconfig({ email });
  const input = JSON.stringify({ ...POD, metadata: { name: 'audited' } });
  const runs: readonly (readonly [string[], string?])[] = [
    [['get', 'pods']],
    [['create', '-f', '-'], input],
    [['get', 'pod', 'audited', '-o', 'yaml']],
    [['label', 'pod', 'audited', 'a=b']],
    [['get', 'nodes']],
    [['get', 'secrets', '-A']],
    [['auth', 'can-i', 'delete', 'pods']],
    [['create', 'configmap', 'audited', '--from-literal=a=b']],
    [['get', 'widgets']],
    [['exec', 'web-0', '--', 'true']],
    [['exec', 'web-0', '--', 'sh', '-c', 'exit 3']],
    [['exec', 'not-there', '--', 'true']],
    [['logs', 'web-0', '--tail=1']],
    [['delete', 'configmap', 'audited']],
    [['delete', 'pod', 'audited', '--wait=false']],
    [['get', 'pods', '-n', 'prod']],
  ];
  for (const version of ['1.20', '1.37'] as const)
    for (const [args, text = ''] of runs)
      await bed.kubectl(version, ['-n', 'dev', ...args], { kubeconfig, input: text });
  const { session, steps } = await readBack(email);
  const said = new Map<number, Line>();
  for (const event of await bed.audit()) {
    const { extra, username = '' } = event.impersonatedUser ?? {};
    const [request] = extra?.['custody.request'] ?? [];
    if (request === undefined || !request.startsWith(`${session}/`)) continue;
    const { resource = '', subresource, apiGroup, namespace = '', name = '' } = event.objectRef ?? {};
    const whole = [resource, apiGroup && `.${apiGroup}`, subresource && `/${subresource}`]
      .filter(Boolean)
      .join('');
    const status = event.responseStatus?.code ?? 0;
    // Its authorizer has what starts something as `create`, also where a WebSocket asks for it with GET; its audit log has the method's.
    const verb = STARTS.has(subresource ?? '') ? 'create' : event.verb;
    said.set(Number(request.slice(session.length + 1)), [verb, whole, namespace, name, status, username]);
  }
  const read = new Map<number, Line>();
  for (const { call, channel, kind } of steps) {
    if (call === undefined || kind === 'begun') continue;
    const { verb = '', resource = '', namespace = '', name = '', status = 0, as } = call;
    read.set(channel!, [verb, resource, namespace, name, status, as?.user ?? '']);
  }
  expect(said.size).toBeGreaterThan(40);
  expect([...read].map(([call, line]) => [call, ...line])).toEqual(
    [...read.keys()].map((call) => [call, ...(said.get(call) ?? ['not in the audit log'])]),
  );
  expect([...said.keys()].filter((call) => !read.has(call))).toEqual([]);
});
