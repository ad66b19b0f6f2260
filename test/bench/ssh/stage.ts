import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { makeSshKey, type Sshd, startSshd } from '#test/support/sshd.ts';

/** One way to the same sshd; its name is the host that `ssh -F config` goes to. */
export interface SshContender {
  readonly name: 'direct' | 'proxyjump' | 'custody';
  /** The processes between client and sshd; new ones come with each connection to a jump host. */
  pids(): readonly number[];
}

export interface SshStage {
  readonly contenders: readonly SshContender[];
  /** What OpenSSH's clients are given to know the hosts by. */
  readonly config: string;
  /** For files that go to and fro. */
  readonly folder: string;
  readonly gateway: SshGateway;
  /** What is recorded goes once it has been measured. */
  stop(): Promise<void>;
}

/** Room for 200 that log in at once. */
const MANY = { lines: ['MaxStartups 1000', 'MaxSessions 1000', 'LogLevel ERROR'] };

/** One sshd as the target, another as the jump host, and the gateway as it runs in the image. */
export async function setSshStage(nodeFlags: readonly string[] = []): Promise<SshStage> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-ssh-'));
  chmodSync(folder, 0o755);
  const jump = await startSshd(join(folder, 'jump'), MANY);
  const gateway = await SshGateway.start({ sshd: MANY, nodeFlags: [...NODE_FLAGS, ...nodeFlags] });
  const key = join(folder, 'id');
  makeSshKey(key);
  await gateway.certify(key);
  const config = join(folder, 'config');
  writeFileSync(config, configText({ gateway, jump, key, known: join(folder, 'known_hosts') }));
  mkdirSync(join(folder, 'files'));
  return {
    contenders: [
      { name: 'direct', pids: () => [] },
      { name: 'proxyjump', pids: () => descendants(listenerOf(jump)) },
      { name: 'custody', pids: () => [gateway.pid] },
    ],
    config,
    folder: join(folder, 'files'),
    gateway,
    stop: async () => {
      await Promise.all([gateway.stop(), jump.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Parts {
  readonly gateway: SshGateway;
  readonly jump: Sshd;
  readonly key: string;
  readonly known: string;
}

function configText({ gateway, jump, key, known }: Parts): string {
  const { sshd } = gateway;
  const own = readFileSync(gateway.knownHosts, 'utf8');
  const line = ({ port, hostKey }: Sshd): string => `[127.0.0.1]:${port} ${hostKey}\n`;
  writeFileSync(known, own + line(sshd) + line(jump));
  const host = (name: string, port: number, user: string, keyFile: string, ...more: string[]): string[] => [
    `Host ${name}`,
    `  Port ${port}`,
    `  User ${user}`,
    `  IdentityFile ${keyFile}`,
    ...more,
  ];
  return [
    ...host('direct', sshd.port, sshd.login, sshd.keyFile),
    ...host('jump', jump.port, jump.login, jump.keyFile),
    ...host('proxyjump', sshd.port, sshd.login, sshd.keyFile, '  ProxyJump jump'),
    ...host('custody', gateway.port, `${sshd.login}+web`, key),
    'Host *',
    '  HostName 127.0.0.1',
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    '  BatchMode yes',
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile ${known}`,
    '  LogLevel ERROR',
    '',
  ].join('\n');
}

/** The process that listens on its port. */
function listenerOf({ port }: Sshd): number {
  const said = execFileSync('ss', ['-Hltnp', `sport = :${port}`], { encoding: 'utf8' });
  return Number(/pid=(\d+)/.exec(said)?.[1]);
}

/** A process and all that came of it. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(Number(name));
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found = [root];
  // It grows while it is gone through.
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
  } catch {
    return undefined;
  }
}
