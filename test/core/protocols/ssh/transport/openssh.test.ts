/** The transport with real OpenSSH on the other side, in both roles. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientTransport, serverTransport } from '#core/protocols/ssh/transport/transport.ts';
import type { AgreedKeys, ClientOptions } from '#core/protocols/ssh/transport/types.ts';
import { message, string } from '#core/protocols/ssh/transport/wire.ts';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'custody-ssh-'));
const hostKeys = [
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
].map(({ privateKey }) => ({ key: privateKey }));
const agreed: AgreedKeys[] = [];
let listener: Server;
let sshd: ChildProcess;
let sshdPort = 0;

beforeAll(async () => {
  listener = createServer((socket) => {
    const leg = serverTransport(
      { hostKeys, now: () => 0 },
      {
        write: (bytes) => void socket.write(Uint8Array.from(bytes)),
        message: () => {
          leg.disconnect(11, 'that was all');
          socket.end();
        },
        keyed: (keys) => void agreed.push(keys),
        released: () => undefined,
        disconnected: () => void socket.end(),
      },
    );
    leg.start();
    socket.on('data', (bytes) => leg.receive(bytes));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  sshdPort = await freePort();
  mkdirSync('/run/sshd', { recursive: true });
  for (const type of ['ed25519', 'ecdsa', 'rsa'])
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', join(directory, type)]);
  const keys = ['ed25519', 'ecdsa', 'rsa'].flatMap((type) => ['-h', join(directory, type)]);
  const all = ['-o', 'KexAlgorithms=+diffie-hellman-group14-sha256', '-o', 'HostKeyAlgorithms=+ssh-rsa'];
  const options = ['-D', '-e', '-f', '/dev/null', '-p', String(sshdPort), '-o', 'PidFile=none'];
  sshd = spawn('/usr/sbin/sshd', [...options, ...keys, ...all], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(sshd.stderr!, 'data');
});

afterAll(() => {
  listener.close();
  sshd.kill();
  rmSync(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

describe('OpenSSH as client', () => {
  const gcm = 'aes256-gcm@openssh.com';
  it.each([
    ['as it comes', [], { cipher: 'aes128-gcm@openssh.com', mac: '' }],
    ['aes256-gcm', ['-c', gcm], { cipher: gcm, mac: '' }],
    [
      'chacha20',
      ['-c', 'chacha20-poly1305@openssh.com'],
      { cipher: 'chacha20-poly1305@openssh.com', mac: '' },
    ],
    ['CTR', ['-c', 'aes256-ctr', '-m', 'hmac-sha2-256'], { cipher: 'aes256-ctr', mac: 'hmac-sha2-256' }],
    [
      'CTR with EtM',
      ['-c', 'aes128-ctr', '-m', 'hmac-sha2-512-etm@openssh.com'],
      { cipher: 'aes128-ctr', mac: 'hmac-sha2-512-etm@openssh.com' },
    ],
    ['an RSA host key', ['-o', 'HostKeyAlgorithms=rsa-sha2-256'], { hostKeyAlgorithm: 'rsa-sha2-256' }],
    [
      'an ECDSA host key',
      ['-o', 'HostKeyAlgorithms=ecdsa-sha2-nistp256'],
      { hostKeyAlgorithm: 'ecdsa-sha2-nistp256' },
    ],
  ] as const)('%s', async (_name, options, { ...expected }) => {
    const { port } = listener.address() as AddressInfo;
    const quiet = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    const call = run('ssh', [...quiet, '-o', 'BatchMode=yes', '-p', String(port), ...options, 'x@127.0.0.1']);
    await expect(call).rejects.toThrow('that was all');
    const keys = agreed.at(-1)!;
    expect({ ...keys, cipher: keys.cipher.toServer, mac: keys.mac.toClient }).toMatchObject({
      ...expected,
      strict: true,
    });
  });
});

describe('OpenSSH as server', () => {
  /** Exchanges keys, once more, and asks for a service under the last ones. */
  async function ask(options: Partial<ClientOptions>): Promise<AgreedKeys> {
    const socket = connect(sshdPort, '127.0.0.1');
    const { promise, resolve, reject } = Promise.withResolvers<AgreedKeys>();
    const request = message(5, string('ssh-userauth'));
    const leg = clientTransport(
      { now: () => 0, hostKey: () => undefined, ...options },
      {
        write: (bytes) => void socket.write(Uint8Array.from(bytes)),
        message: (payload) => {
          if (payload[0] === 6) resolve(leg.keys!);
        },
        keyed: () => leg.send(request),
        released: () => undefined,
        disconnected: (_reason, words) => reject(new Error(words)),
      },
    );
    socket.on('data', (bytes) => {
      try {
        leg.receive(bytes);
      } catch (thrown) {
        reject(thrown);
      }
    });
    socket.on('error', reject);
    leg.start();
    try {
      return await promise;
    } finally {
      socket.destroy();
    }
  }

  it('agrees on the best', async () => {
    const { kex, cipher, strict } = await ask({});
    expect(kex).toMatch(/^(?:mlkem768x25519|curve25519)-sha256$/);
    expect({ cipher: cipher.toServer, strict }).toEqual({ cipher: 'aes256-gcm@openssh.com', strict: true });
  });

  it.each(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'])('by %s', async (name) => {
    const { hostKeyAlgorithm } = await ask({ hostKeyAlgorithms: [name] });
    expect(hostKeyAlgorithm).toBe(name);
  });
});
