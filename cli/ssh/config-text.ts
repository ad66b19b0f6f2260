/** A part of ssh_config (ssh_config(5)) in which every target is a host, so that ssh and what is built on it work as ever. */
import { CustodyError } from '#core/errors.ts';

export interface SshHost {
  /** The target. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** At the target; the first is the usual one. */
  readonly logins: readonly string[];
}

export interface SshFiles {
  readonly identity: string;
  /** In the order in which they are shown; one that is not there is passed over. */
  readonly certificates: readonly string[];
  readonly knownHosts: string;
}

/** `renewal`: a command, for the person's own shell, that gets a new certificate of a target where it is needed. */
export function sshConfigText(
  hosts: readonly SshHost[],
  filesOf: (host: SshHost) => SshFiles,
  renewal: string,
): string {
  const blocks = hosts.flatMap((host) => [matchBlock(host, renewal), ...hostBlocks(host, filesOf(host))]);
  return [`# Written by custody ssh-config; what is changed here is lost.\n`, ...blocks].join('\n');
}

/** The certificate is looked at before ssh reads it. That what follows applies only where it is good does no harm: it says nothing new. */
function matchBlock(host: SshHost, renewal: string): string {
  const command = `${renewal} ${host.name}`;
  if (/["\n]/.test(command)) throw unusable(command);
  return block(`Match originalhost ${aliases(host).join(',')} exec "${command.replaceAll('%', '%%')}"`, [
    'IdentitiesOnly yes',
  ]);
}

function hostBlocks(host: SshHost, files: SshFiles): string[] {
  const [usual] = host.logins;
  const users = host.logins.map((login) =>
    block(`Host ${login}+${host.name}`, [`User ${login}+${host.name}`]),
  );
  const usualUser = block(`Host ${host.name}`, [
    `User ${usual === undefined ? host.name : `${usual}+${host.name}`}`,
  ]);
  return [...users, usualUser, block(`Host ${aliases(host).join(' ')}`, settings(host, files))];
}

/** `web-1`, and `deploy+web-1` for each login: the user name of a command line would stand in the way of the gateway's. */
function aliases({ name, logins }: SshHost): string[] {
  return [name, ...logins.map((login) => `${login}+${name}`)];
}

function settings({ host, port }: SshHost, files: SshFiles): string[] {
  return [
    `HostName ${host}`,
    `Port ${port}`,
    `IdentityFile ${quoted(files.identity)}`,
    ...files.certificates.map((file) => `CertificateFile ${quoted(file)}`),
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${quoted(files.knownHosts)}`,
    'GlobalKnownHostsFile /dev/null',
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'PreferredAuthentications publickey,keyboard-interactive',
  ];
}

function block(head: string, lines: readonly string[]): string {
  return `${[head, ...lines.map((line) => `    ${line}`)].join('\n')}\n`;
}

/** A path as ssh reads it: in quotes, where a percent sign is doubled. Its variables (`${X}`) cannot be kept from being read as such. */
export function quoted(path: string): string {
  const forward = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  if (/["\\\p{Cc}]|\$\{/u.test(forward)) throw unusable(path);
  return `"${forward.replaceAll('%', '%%')}"`;
}

function unusable(path: string): CustodyError {
  return new CustodyError(
    'config-invalid',
    `ssh cannot be told of ${path}: its name has a character that ssh_config has no form for`,
    {
      hint: 'give CUSTODY_HOME a folder with a plainer name',
    },
  );
}
