import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { KubernetesBed } from './bed.ts';
import type { Ran, RunOptions } from './run.ts';
import type { KubectlVersion } from './tools.ts';

/** A kubectl, and what it is told about how it streams. */
export interface KubectlKind {
  readonly name: string;
  readonly version: KubectlVersion;
  readonly env?: Readonly<Record<string, string>>;
}

/** SPDY alone, WebSocket for commands alone, WebSocket for all, and the newest told to use SPDY. */
export const KUBECTLS: readonly KubectlKind[] = [
  { name: '1.20', version: '1.20' },
  {
    name: '1.35 without WebSocket for ports',
    version: '1.35',
    env: { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
  },
  { name: '1.37', version: '1.37' },
  {
    name: '1.37 over SPDY',
    version: '1.37',
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
  },
];

/** One kubectl and the way it takes to the cluster. */
export class Kubectl {
  readonly bed: KubernetesBed;
  readonly version: KubectlVersion;
  readonly options: RunOptions;

  constructor(bed: KubernetesBed, version: KubectlVersion, options: RunOptions = {}) {
    this.bed = bed;
    this.version = version;
    this.options = options;
  }

  async run(args: readonly string[], input?: string | Uint8Array): Promise<Ran> {
    return this.bed.kubectl(this.version, args, {
      ...this.options,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** An error with what it said unless it exits with 0. */
  async good(args: readonly string[], input?: string | Uint8Array): Promise<Ran> {
    const ran = await this.run(args, input);
    if (ran.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ran.code} ${ran.stdout} ${ran.stderr}`);
    return ran;
  }

  start(args: readonly string[]) {
    return this.bed.startKubectl(this.version, args, this.options);
  }
}

export type Operation = (kubectl: Kubectl) => Promise<void>;

/** What every kubectl does with a cluster: each looks at its own outcome, whichever way it went. */
export const KUBECTL_OPERATIONS: Readonly<Record<string, Operation>> = {
  'get and describe': getAndDescribe,
  'apply, patch, delete': applyPatchDelete,
  'an exit code': exitCode,
  'exec -i': execInput,
  'exec -it': execTerminal,
  attach,
  'cp both ways': copies,
  'port-forward': forwards,
  'logs -f': logs,
  'get --watch': watches,
};

async function getAndDescribe(kubectl: Kubectl): Promise<void> {
  const listed = await kubectl.good(['get', 'pods', '-n', 'dev', '-o', 'json']);
  const names = (JSON.parse(listed.stdout) as { items: { metadata: { name: string } }[] }).items;
  expect(names.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['echo-0', 'web-0']));
  expect((await kubectl.good(['describe', 'pod', '-n', 'dev', 'web-0'])).stdout).toContain(
    'registry.example/web:1',
  );
  expect((await kubectl.good(['get', 'widgets', '-n', 'dev'])).stderr).toContain('No resources found');
  expect((await kubectl.run(['get', 'pod', '-n', 'dev', 'nothing'])).stderr).toContain('NotFound');
}

/** Over 256 KiB in one object, so that a body is more than a frame or two. */
async function applyPatchDelete(kubectl: Kubectl): Promise<void> {
  const name = `applied-${randomUUID()}`;
  const manifest = (value: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'dev' },
      data: { value },
    });
  const large = 'x'.repeat(300_000);
  await kubectl.good(['create', '-f', '-'], manifest(large));
  const got = await kubectl.good(['get', 'configmap', '-n', 'dev', name, '-o', 'jsonpath={.data.value}']);
  expect(got.stdout).toBe(large);
  await kubectl.good([
    'patch',
    'configmap',
    '-n',
    'dev',
    name,
    '--type',
    'merge',
    '-p',
    '{"data":{"value":"1"}}',
  ]);
  await kubectl.good(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifest('2'));
  const diff = await kubectl.run(['diff', '-f', '-'], manifest('3'));
  expect([diff.code, diff.stdout]).toEqual([1, expect.stringContaining('+  value: "3"')]);
  await kubectl.good(['delete', 'configmap', '-n', 'dev', name]);
}

async function exitCode(kubectl: Kubectl): Promise<void> {
  const ran = await kubectl.run([
    'exec',
    '-n',
    'dev',
    'web-0',
    '--',
    'sh',
    '-c',
    'echo out; echo err >&2; exit 7',
  ]);
  expect(ran).toMatchObject({ code: 7, stdout: 'out\n' });
  expect(ran.stderr).toContain('err\n');
}

/** All that is written arrives, its end too, and what comes back is whole. */
async function execInput(kubectl: Kubectl): Promise<void> {
  const bytes = randomBytes(3_000_000);
  const ran = await kubectl.good(['exec', '-i', '-n', 'dev', 'web-0', '--', 'cat'], bytes);
  expect(sha256(ran.bytes)).toBe(sha256(bytes));
}

/** kubectl takes a terminal only where it has one: util-linux's script gives it one, of a size that the pod sees. */
async function execTerminal(kubectl: Kubectl): Promise<void> {
  const program = join(process.env['CUSTODY_KUBERNETES']!, `kubectl-${kubectl.version}`);
  const command = `stty rows 31 cols 97; ${program} exec -it -n dev web-0 -- sh -c 'sleep 0.3; stty size; read a; echo got $a; exit 3'`;
  const running = kubectl.bed.start(
    'script',
    ['-qec', command, '/dev/null'],
    kubectl.options,
    `kubectl-${kubectl.version}`,
  );
  await running.saw('31 97');
  running.process.stdin.write('typed\r');
  await running.saw('got typed');
  expect((await running.exited).code).toBe(3);
}

async function attach(kubectl: Kubectl): Promise<void> {
  const running = kubectl.start(['attach', '-i', '-n', 'dev', 'echo-0', '-c', 'main']);
  const said = randomUUID();
  running.process.stdin.write(`${said}\n`);
  await running.saw(said);
  await running.kill();
}

async function copies(kubectl: Kubectl): Promise<void> {
  const { bed } = kubectl;
  const name = randomUUID();
  const file = join(bed.folder, name);
  const bytes = randomBytes(2_000_000);
  await writeFile(file, bytes);
  await kubectl.good(['cp', file, `dev/web-0:${name}`]);
  expect(sha256(await readFile(join(bed.podFolder('web-0'), name)))).toBe(sha256(bytes));
  await kubectl.good(['cp', `dev/web-0:${name}`, `${file}.back`]);
  expect(sha256(await readFile(`${file}.back`))).toBe(sha256(bytes));
}

/** Several requests, side by side, of a server in the pod. */
async function forwards(kubectl: Kubectl): Promise<void> {
  const bytes = randomBytes(1_000_000);
  const server = createServer((_, response) => response.end(bytes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const running = kubectl.start(['port-forward', '-n', 'dev', 'web-0', `:${portOf(server)}`]);
  try {
    const [, port] = await running.saw(/Forwarding from 127\.0\.0\.1:(\d+)/);
    const answers = [1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${port}`)).arrayBuffer());
    for (const answer of await Promise.all(answers))
      expect(sha256(new Uint8Array(answer))).toBe(sha256(bytes));
  } finally {
    await running.kill();
    server.close();
    server.closeAllConnections();
  }
}

async function logs(kubectl: Kubectl): Promise<void> {
  const running = kubectl.start(['logs', '-f', '-n', 'dev', 'web-0', '--tail', '1']);
  const [, first] = await running.saw(/web-0 line (\d+)/);
  await running.saw(`web-0 line ${Number(first) + 1}`);
  await running.kill();
}

async function watches(kubectl: Kubectl): Promise<void> {
  const name = `watched-${randomUUID()}`;
  const running = kubectl.start([
    'get',
    'configmaps',
    '-n',
    'dev',
    '--watch',
    '-o',
    'name',
    '-l',
    `watched=${name}`,
  ]);
  // What is created before the watch is there is listed: the outcome is one.
  await kubectl.bed.api.post('/api/v1/namespaces/dev/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { watched: name } },
  });
  await running.saw(name);
  await running.kill();
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}
