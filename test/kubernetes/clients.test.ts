import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from './support/audit.ts';
import { KubernetesBed } from './support/bed.ts';
import { EXEC_PROTOCOLS, rawExec } from './support/channels.ts';
import { clientNode } from './support/client-node.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { KUBECTL_OPERATIONS, KUBECTLS, Kubectl, sha256 } from './support/kubectl-operations.ts';
import { PYTHON_LIST_AND_EXEC } from './support/python-client.ts';
import type { RecordedCall } from './support/recorded-calls.ts';
import { smallChart } from './support/small-chart.ts';

// Every client by every operation through the gateway, as in bed.test.ts without it. Each client is a person of its own, and so a session.
let bed: KubernetesBed;
let gateway: KubernetesGateway;
/** Who has been here. */
const people: string[] = [];

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed);
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

/** A person that is only here. */
function person(name: string) {
  const email = `${name.toLowerCase().replaceAll(/[^\w.]+/g, '-')}@example.com`;
  people.push(email);
  return { sub: name, email };
}

describe.each(KUBECTLS)('kubectl $name', ({ name, version, env }) => {
  let kubeconfig: string;
  beforeAll(async () => {
    kubeconfig = await gateway.kubeconfig(person(`kubectl ${name}`));
  });

  test.each(Object.entries(KUBECTL_OPERATIONS))('%s', async (_, operation) =>
    expect(
      operation(new Kubectl(bed, version, { kubeconfig, ...(env && { env }) })),
    ).resolves.toBeUndefined(),
  );
});

test('helm', async () => {
  const kubeconfig = await gateway.kubeconfig(person('helm'));
  const chart = await smallChart(join(bed.folder, 'chart'));
  const helm = async (...args: string[]) => {
    const ran = await bed.helm([...args, '-n', 'dev'], { kubeconfig });
    expect(ran.stderr + ran.stdout).not.toContain('Error');
    return ran.stdout;
  };
  expect(await helm('install', 'site', chart)).toContain('STATUS: deployed');
  expect(await helm('upgrade', 'site', chart, '--set', 'replicas=3')).toContain('REVISION: 2');
  expect(await helm('uninstall', 'site')).toContain('uninstalled');
});

test("Python's client", async () => {
  const kubeconfig = await gateway.kubeconfig(person('python'));
  const ran = await bed.python(PYTHON_LIST_AND_EXEC, { kubeconfig });
  expect(ran.stderr).toBe('');
  const names = expect.arrayContaining(['echo-0', 'web-0']);
  expect(JSON.parse(ran.stdout)).toMatchObject({ names, out: 'out\n', err: 'err\n', code: 5 });
});

test("JavaScript's client", async () => {
  const client = clientNode(await gateway.kubeconfig(person('javascript')));
  expect(await client.podNames('dev')).toContain('web-0');
  const ran = await client.exec(['sh', '-c', 'head -c 5; exit 6'], Buffer.from('12345678'));
  expect(ran.stdout.toString()).toBe('12345');
  expect(ran.status).toMatchObject({ reason: 'NonZeroExitCode' });
});

test.each(EXEC_PROTOCOLS)('a WebSocket client of its own by %s', async (protocol) => {
  const credentials = await gateway.credentials(person(protocol));
  const bytes = randomBytes(20_000);
  const command = ['sh', '-c', 'head -c 20000 | sha256sum; echo err >&2'];
  const hashed = await rawExec(credentials, protocol, command, bytes, gateway.path(''));
  expect(hashed.protocol).toBe(protocol);
  expect(hashed.stdout.toString()).toBe(`${sha256(bytes)}  -\n`);
  expect(hashed.stderr.toString()).toBe('err\n');
});

describe('client-go', () => {
  let kubeconfig: string;
  beforeAll(async () => {
    kubeconfig = await gateway.kubeconfig(person('client-go'));
  });

  const load = async <T>(...args: string[]): Promise<T> => {
    const ran = await bed.load(args, { kubeconfig });
    expect(ran.stderr).toBe('');
    return JSON.parse(ran.stdout.split('\n').at(-2)!) as T;
  };

  test.each(['json', 'protobuf', 'cbor'])(
    'gets as %s, each client by its own connection',
    async (content) => {
      const got = await load<{ errors: number }>(
        'get',
        '-clients',
        '4',
        '-seconds',
        '0.3',
        '-content',
        content,
      );
      expect(got.errors).toBe(0);
    },
  );

  test('watches, holds watches, and follows as a controller does', async () => {
    expect(await load('watch', '-events', '20')).toMatchObject({ events: 20 });
    expect(await load('idle', '-watches', '50')).toEqual({ watches: 50, ended: 0 });
    expect(await load('informer', '-for', '100ms')).toMatchObject({ updated: 0 });
  });

  test.each([
    ['out over WebSocket', []],
    ['out over SPDY', ['-spdy']],
    ['in over WebSocket', ['-in']],
    ['in over SPDY', ['-in', '-spdy']],
  ])('moves bytes %s', async (_, how) => {
    const moved = await load<{ bytes: number; sent: string; got: string }>(
      'exec',
      '-bytes',
      '5000000',
      ...how,
    );
    expect(moved.bytes).toBe(5_000_000);
    expect(moved.got).toBe(moved.sent);
  });
});

describe("each client's recording, once its session has ended", () => {
  beforeAll(async () => gateway.end());

  test('there is one of each, sealed and good', async () => {
    for (const email of people) {
      const { id } = await gateway.sessionOf(email);
      expect([email, (await gateway.verify(id)).verdict]).toEqual([email, 'verified']);
    }
  });

  test("has just the calls that the API server's audit log has of its person", async () => {
    const audit = await bed.audit();
    for (const email of people) {
      const calls = await gateway.calls((await gateway.sessionOf(email)).id);
      const seen = audit.filter(
        (event) => event.impersonatedUser?.username === email && isLast(event, audit),
      );
      // A watch whose client was ended at once has no answer to record; whether the server saw it is the server's to say.
      const unanswered = new Set(calls.filter(isUnanswered).map(nameOf));
      const reached = new Set(seen.map(namedBy));
      const forwarded = calls.filter(
        (call) => isForwarded(call) && (!isUnanswered(call) || reached.has(nameOf(call))),
      );
      expect([email, forwarded.map(ofTape).sort()]).toEqual([
        email,
        seen.map((event) => ofAudit(event, unanswered)).sort(),
      ]);
    }
  });
});

/** A call that upgrades is logged when its response starts, and again when it is over. */
function isLast(event: AuditEvent, all: readonly AuditEvent[]): boolean {
  return (
    event.stage !== 'ResponseStarted' ||
    !all.some(({ auditID, stage }) => auditID === event.auditID && stage !== 'ResponseStarted')
  );
}

function isForwarded({ forwarded }: RecordedCall): boolean {
  return forwarded !== undefined;
}

/** Its client went before the cluster had answered. */
function isUnanswered({ forwarded, response, cut }: RecordedCall): boolean {
  return forwarded !== undefined && response.head === undefined && cut?.by === 'client';
}

function nameOf({ forwarded }: RecordedCall): string {
  return String(forwarded!.extra['custody.request']);
}

/** The call of a recording, as the API server's audit log names it. */
function namedBy({ impersonatedUser }: AuditEvent): string {
  return String(impersonatedUser!.extra!['custody.request']);
}

function ofTape(call: RecordedCall): string {
  const status = isUnanswered(call) ? 'unanswered' : call.response.head!.status;
  return `${call.request.head!.target} ${status}`;
}

function ofAudit(event: AuditEvent, unanswered: ReadonlySet<string>): string {
  const status = unanswered.has(namedBy(event)) ? 'unanswered' : event.responseStatus!.code;
  return `${event.requestURI} ${status}`;
}
