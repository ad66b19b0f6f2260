/** ssh_config in CUSTODY_HOME, for the targets that a person may use. */
import { type Api, getTargets } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { getGateway } from './api.ts';
import { certificateFile } from './certificate.ts';
import { type SshFiles, type SshHost, sshConfigText } from './config-text.ts';
import type { DeviceKey } from './device-key.ts';
import { KNOWN_HOSTS, pinHostKeys } from './host-keys.ts';
import { selfCommand } from './self.ts';

const CONFIG = 'ssh_config';

export interface WrittenConfig {
  readonly path: string;
  /** Every name that is a host in it. */
  readonly hosts: readonly string[];
}

export function configPath({ home }: Cli): string {
  return home.path(CONFIG);
}

/** Writes it, and the host keys beside it; `accept`: also keys that are not the pinned ones. */
export async function writeSshConfig(
  cli: Cli,
  api: Api,
  key: DeviceKey,
  accept = false,
): Promise<WrittenConfig> {
  const [gateway, targets] = await Promise.all([getGateway(api), getTargets(api)]);
  const hosts = targets.filter(({ protocol }) => protocol === 'ssh').map(hostOf);
  pinHostKeys(cli, gateway, hosts, accept);
  const renewal = selfCommand(cli, ['ssh-login', '--if-needed']);
  const text = sshConfigText(hosts, ({ name }) => filesOf(cli, key, name), renewal);
  if (cli.home.read(CONFIG) !== text) cli.home.write(CONFIG, text);
  return { path: configPath(cli), hosts: hosts.flatMap(namesOf) };
}

function hostOf({ name, host, port, logins = [] }: Target): SshHost {
  return { name, host, port, logins };
}

/** `web-1`, and `deploy+web-1` for each login. */
export function namesOf({
  name,
  logins = [],
}: {
  readonly name: string;
  readonly logins?: readonly string[] | undefined;
}): readonly string[] {
  return [name, ...logins.map((login) => `${login}+${name}`)];
}

function filesOf({ home }: Cli, { identity }: DeviceKey, target: string): SshFiles {
  const certificates = [certificateFile(target), certificateFile()].map((name) => home.path(name));
  return { identity, certificates, knownHosts: home.path(KNOWN_HOSTS) };
}
