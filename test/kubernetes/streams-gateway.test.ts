/** Streams through a whole gateway: how they end when the session does, and what is left when the gateway dies. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { KubernetesBed } from './support/bed.ts';
import { open } from './support/channels.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { KUBECTLS, Kubectl, sha256 } from './support/kubectl-operations.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;
/** In the pod: answers what it is told. */
let echo: Server;

/** A rule that a test takes away. */
const LEAVERS =
  '  - { name: leaving, groups: [leavers], targets: ["*"], allow: [connect], kubernetes: { as: { user: "{email}", groups: ["custody:developers"] } } }';

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed, { rules: LEAVERS });
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
});
afterAll(async () => {
  echo?.close();
  await gateway?.stop();
  await bed?.stop();
});

async function person(
  version: (typeof KUBECTLS)[number],
  group = 'developers',
): Promise<{ email: string; kubectl: Kubectl }> {
  const email = `${randomUUID()}@example.com`;
  const kubeconfig = await gateway.kubeconfig({ email, groups: [group] });
  return {
    email,
    kubectl: new Kubectl(bed, version.version, { kubeconfig, ...(version.env && { env: version.env }) }),
  };
}

describe.each(KUBECTLS)('kubectl $name', (kind) => {
  test('is told within 5 s that its rule is gone, by a command, a terminal and a forwarded port', async () => {
    const { kubectl } = await person(kind, 'leavers');
    await eventually('the rule to be there', async () =>
      (await kubectl.run(['get', 'pods', '-n', 'dev'])).code === 0 ? true : undefined,
    );
    const command = kubectl.start(['exec', '-n', 'dev', 'web-0', '--', 'sh', '-c', 'echo begun; sleep 100']);
    const attached = kubectl.start(['attach', '-i', '-n', 'dev', 'echo-0', '-c', 'main']);
    const forwarding = kubectl.start(['port-forward', '-n', 'dev', 'web-0', `:${portOf(echo)}`]);
    try {
      await command.saw('begun');
      attached.process.stdin.write('hello\n');
      await attached.saw('hello');
      const [, port] = await forwarding.saw(/Forwarding from 127\.0\.0\.1:(\d+)/);
      const held = await connected(Number(port));
      held.write('x');
      await once(held, 'data');
      gateway.writeConfig({});
      const since = performance.now();
      const [one, two, three] = await Promise.all([command.exited, attached.exited, forwarding.exited]);
      expect(performance.now() - since).toBeLessThan(8_000);
      expect([one.code, one.stderr]).toEqual([1, expect.stringMatching(/error: .*custody: /)]);
      expect([two.code, two.stderr]).toEqual([1, expect.stringMatching(/error: .*custody: /)]);
      // 1.20 says so and exits with 0, whoever it was that ended it.
      expect(three.code).toBe(kind.version === '1.20' ? 0 : 1);
      expect(three.stderr).toContain('lost connection to pod');
      expect(three.stderr).toMatch(/an error occurred forwarding.*custody: /i);
    } finally {
      gateway.writeConfig({ rules: LEAVERS });
      await Promise.all([command.kill(), attached.kill(), forwarding.kill()]);
    }
  });

  test('forwards fifty connections at once, each its own', async () => {
    const { kubectl } = await person(kind);
    const forwarding = kubectl.start(['port-forward', '-n', 'dev', 'web-0', `:${portOf(echo)}`]);
    try {
      const [, port] = await forwarding.saw(/Forwarding from 127\.0\.0\.1:(\d+)/);
      const sent = Array.from({ length: 50 }, () => randomBytes(50_000));
      const came = await Promise.all(sent.map((bytes) => echoed(Number(port), bytes)));
      expect(came).toEqual(sent.map(sha256));
    } finally {
      await forwarding.kill();
    }
  });
});

test('a terminal is as large as its client says', async () => {
  const path = gateway.path(
    '/api/v1/namespaces/dev/pods/web-0/exec?container=main&stdin=true&stdout=true&tty=true&command=sh&command=-c&command=sleep+0.5%3Bstty+size%3Bread+a%3Bstty+size',
  );
  const socket = open(await gateway.credentials({ groups: ['developers'] }), path, 'v4.channel.k8s.io');
  let said = '';
  socket.on('message', (data: Buffer) => (said += data.subarray(1).toString()));
  await once(socket, 'open');
  socket.send(Buffer.from('\x04{"Width":97,"Height":31}'));
  while (!said.includes('31 97')) await once(socket, 'message');
  socket.send(Buffer.from('\x04{"Width":40,"Height":12}'));
  socket.send(Buffer.from('\0go\n'));
  while (!said.includes('12 40')) await once(socket, 'message');
  expect(said.indexOf('31 97')).toBeLessThan(said.indexOf('12 40'));
  socket.close();
});

test('a client that reads nothing costs little memory, and gets the rest when it reads again', async () => {
  const path = gateway.path(
    '/api/v1/namespaces/dev/pods/web-0/exec?container=main&stdout=true&command=head&command=-c&command=60000000&command=/dev/zero',
  );
  const before = memoryOf(gateway.pid);
  const socket = open(await gateway.credentials({ groups: ['developers'] }), path, 'v4.channel.k8s.io');
  let got = 0;
  socket.on('message', (data: Buffer) => {
    if (data[0] === 1) got += data.length - 1;
  });
  await once(socket, 'open');
  socket.pause();
  let [last, still] = [-1, 0];
  // Until nothing moves any more.
  while (still < 5) {
    await new Promise((later) => setTimeout(later, 100));
    const now = memoryOf(gateway.pid);
    still = Math.abs(now - last) < 1 << 20 ? still + 1 : 0;
    last = now;
  }
  expect(memoryOf(gateway.pid) - before).toBeLessThan(40 << 20);
  socket.resume();
  await once(socket, 'close');
  expect(got).toBe(60_000_000);
});

test('a gateway that dies takes no byte of the recording with it that its client has seen', async () => {
  const { email, kubectl } = await person(KUBECTLS.at(-2)!);
  const running = kubectl.start([
    'exec',
    '-n',
    'dev',
    'web-0',
    '--',
    'sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.2; done; sleep 100',
  ]);
  await running.saw('line 9');
  await gateway.end('SIGKILL');
  const ran = await running.exited;
  expect(ran.code).not.toBe(0);
  await gateway.run();
  const { id } = await gateway.sessionOf(email);
  expect((await gateway.verify(id)).verdict).toBe('verified');
  const all = Buffer.concat((await gateway.frames(id)).map(({ payload }) => Buffer.from(payload))).toString(
    'latin1',
  );
  // All but what the window of this target may lose.
  expect(all).toContain('line 7');
});

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

async function connected(port: number) {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function echoed(port: number, bytes: Uint8Array): Promise<string> {
  const socket = await connected(port);
  const chunks: Buffer[] = [];
  socket.write(bytes);
  let length = 0;
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= bytes.length) break;
  }
  return sha256(Buffer.concat(chunks));
}

/** Resident, as Linux counts it. */
function memoryOf(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}
