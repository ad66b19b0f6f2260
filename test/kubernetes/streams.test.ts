/** What is upgraded, through the relay of upgraded calls alone: real clients, the real API server, and what the tape has of it. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { StreamDecoder, type StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf } from '#core/protocols/kubernetes/streams/exit.ts';
import { UpgradeStand } from '#test/support/upgrade-stand.ts';
import { KubernetesBed } from './support/bed.ts';
import { Authority } from './support/certificates.ts';
import { EXEC_PROTOCOLS, rawExec } from './support/channels.ts';
import { KUBECTL_OPERATIONS, KUBECTLS, Kubectl, sha256 } from './support/kubectl-operations.ts';

let bed: KubernetesBed;
let server: { cert: string; key: string; ca: string };
let person: { cert: string; key: string };
let stand: UpgradeStand;
let kubeconfig: string;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const authority = await Authority.make('of the gateway');
  server = { ...(await authority.issue({ name: 'gateway' })), ca: authority.ca };
  person = await bed.certificate('ann', ['custody:developers']);
});
afterAll(async () => bed?.stop());

beforeEach(async () => {
  stand = await UpgradeStand.start({ target: { url: bed.url, ca: bed.ca, ...person }, server });
  kubeconfig = await bed.writeKubeconfig({ server: stand.url, ca: server.ca, token: 'none' });
});
afterEach(async () => stand.stop());

const STREAMING = ['an exit code', 'exec -i', 'exec -it', 'attach', 'cp both ways', 'port-forward'] as const;
const TERMINATED = new CustodyError('terminated', 'this session was ended by dana@example.com', {
  hint: 'ask them why before you start another',
});

describe.each(KUBECTLS)('kubectl $name', ({ version, env }) => {
  const kubectl = (): Kubectl => new Kubectl(bed, version, { kubeconfig, ...(env && { env }) });

  test.each(STREAMING)('%s', async (name) => {
    await expect(KUBECTL_OPERATIONS[name]!(kubectl())).resolves.toBeUndefined();
    expect(stand.upgraded.length).toBeGreaterThan(0);
  });

  test('20 MB each way, whole on the tape as well', async () => {
    const bytes = randomBytes(20 << 20);
    const ran = await kubectl().good(['exec', '-i', '-n', 'dev', 'web-0', '--', 'cat'], bytes);
    expect(sha256(ran.bytes)).toBe(sha256(bytes));
    expect(await stand.upgraded[0]!.ended).toMatchObject({ exitCode: 0 });
    const read = await channelsOf(stand, 1);
    expect([read.stdin, read.stdout, read.exitCode]).toEqual([sha256(bytes), sha256(bytes), 0]);
  });

  test('the end of what is written arrives before the end of what comes back', async () => {
    const ran = await kubectl().good(
      ['exec', '-i', '-n', 'dev', 'web-0', '--', 'sh', '-c', 'wc -c; echo more'],
      randomBytes(100_000),
    );
    expect(ran.stdout).toBe('100000\nmore\n');
  });

  test('a command that is ended says why', async () => {
    const running = kubectl().start([
      'exec',
      '-n',
      'dev',
      'web-0',
      '--',
      'sh',
      '-c',
      'echo begun; sleep 100',
    ]);
    await running.saw('begun');
    stand.upgraded[0]!.end(TERMINATED);
    const ran = await running.exited;
    expect(ran.stderr).toMatch(/error: .*this session was ended by dana@example.com/);
    expect(ran.code).toBe(1);
    expect(await stand.upgraded[0]!.ended).toEqual({ by: 'gateway' });
    const { gateway } = await stand.records();
    expect(gateway.map(({ type }) => type)).toEqual([4, 7]);
    expect((await channelsOf(stand, 1)).error).toContain('ended by dana@example.com');
  });

  test('a command that says much is ended between two of its frames', async () => {
    const running = kubectl().start(['exec', '-n', 'dev', 'web-0', '--', 'cat', '/dev/zero']);
    await running.saw('\0');
    stand.upgraded[0]!.end(TERMINATED);
    const ran = await running.exited;
    expect(ran.stderr).toMatch(/error: .*this session was ended by dana@example.com/);
    expect(ran.code).toBe(1);
  });

  test('an attached terminal and a forwarded port end', async () => {
    const attached = kubectl().start(['attach', '-i', '-n', 'dev', 'echo-0', '-c', 'main']);
    attached.process.stdin.write('hello\n');
    await attached.saw('hello');
    stand.upgraded[0]!.end(TERMINATED);
    const ran = await attached.exited;
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('ended by dana@example.com')]);
    const forwarding = kubectl().start(['port-forward', '-n', 'dev', 'web-0', ':1']);
    await forwarding.saw('Forwarding from');
    stand.upgraded.at(-1)!.end(TERMINATED);
    const left = await forwarding.exited;
    // 1.20 says so and exits with 0, whoever it was that ended it.
    expect([left.code, left.stderr]).toEqual([
      version === '1.20' ? 0 : 1,
      expect.stringContaining('lost connection to pod'),
    ]);
  });
});

describe.each(EXEC_PROTOCOLS)('a WebSocket that speaks %s', (protocol) => {
  test('has a command’s streams and how it ended', async () => {
    const input = randomBytes(20_000);
    const credentials = { url: stand.url, ca: server.ca };
    const ran = await rawExec(
      credentials,
      protocol,
      ['sh', '-c', 'head -c 20000 | sha256sum; echo oops >&2; exit 5'],
      input,
    );
    expect(ran.stdout.toString()).toBe(`${sha256(input)}  -\n`);
    const read = await channelsOf(stand, 1, { kind: 'websocket', protocol, purpose: 'command', ports: [] });
    expect(read.stdin).toBe(sha256(input));
    expect(read.stdout).toBe(sha256(ran.stdout));
    expect(read.error).toBe(ran.status);
    expect(read.exitCode).toBe(protocol.startsWith('v') ? 5 : undefined);
  });
});

interface Read {
  readonly stdin: string;
  readonly stdout: string;
  readonly error: string;
  readonly exitCode: number | undefined;
}

/** What a reader makes of one call's records: the client's first, then the target's and the gateway's. */
async function channelsOf(stand: UpgradeStand, call: number, form = stand.forms[call - 1]!): Promise<Read> {
  const decoder = new StreamDecoder(form);
  const hashes = { stdin: createHash('sha256'), stdout: createHash('sha256') };
  const error: Uint8Array[] = [];
  const heed = (event: StreamEvent): void => {
    if (event.kind !== 'data') return;
    if (event.channel === 'error') error.push(event.bytes);
    else if (event.channel === 'stdin' || event.channel === 'stdout')
      hashes[event.channel].update(event.bytes);
  };
  const { client, target, gateway } = await stand.records();
  for (const [side, records] of [
    ['client', client],
    ['target', target],
    ['target', gateway],
  ] as const)
    for (const record of records)
      if (record.call === call && record.type === 4)
        for (const event of decoder.push(side, record.payload)) heed(event);
  const said = Buffer.concat(error);
  return {
    stdin: hashes.stdin.digest('hex'),
    stdout: hashes.stdout.digest('hex'),
    error: said.toString(),
    exitCode: exitCodeOf(said),
  };
}
