import { Command } from 'commander';
import { type Cli, print, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { counted } from '../listing.ts';
import { writeSshConfig } from '../ssh/config.ts';
import { deviceKey } from '../ssh/device-key.ts';
import { includeLine, installInclude } from '../ssh/install.ts';

interface SshConfigOptions {
  readonly install?: true;
  readonly acceptNewHostKey?: true;
}

const NOTES = `
Then ssh web-1, scp, sftp, rsync, git and Ansible work as with any host; deploy+web-1 is the host for another login than the usual one.
Run it again when targets come or go. It prints the line to put at the top of ~/.ssh/config; --install puts it there.`;

export function sshConfigCommand(cli: Cli): Command {
  return new Command('ssh-config')
    .description('write an ssh_config in which every target is a host')
    .option('--install', 'and have ~/.ssh/config include it')
    .option(
      '--accept-new-host-key',
      "the gateway's host key has changed, and its operator says that it is right",
    )
    .addHelpText('after', NOTES)
    .action((options: SshConfigOptions) => sshConfig(cli, options));
}

async function sshConfig(cli: Cli, { install, acceptNewHostKey }: SshConfigOptions): Promise<void> {
  const api = await connectApi(cli);
  const { path, hosts } = await writeSshConfig(cli, api, await deviceKey(cli, {}), acceptNewHostKey);
  const targets = hosts.filter((name) => !name.includes('+'));
  say(
    cli,
    `${counted(targets.length, 'host')} in ${path}${targets.length > 0 ? `: ${targets.join(', ')}` : ''}`,
  );
  if (!install) return print(cli, includeLine(path));
  const { file, changed } = installInclude(cli, path);
  say(cli, changed ? `${file} includes it now` : `${file} included it already`);
}
