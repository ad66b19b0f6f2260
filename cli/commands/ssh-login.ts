import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { addToAgent } from '../ssh/agent.ts';
import { certificateFile, getCertificate, hasGood } from '../ssh/certificate.ts';
import { deviceKey, type KeyWishes, rememberedKey } from '../ssh/device-key.ts';
import { readDuration } from '../wait.ts';
import { login } from './login.ts';

interface SshLoginOptions extends KeyWishes {
  readonly agent?: true;
  readonly ifNeeded?: true;
  readonly login?: true;
  readonly for?: number;
  readonly sourceAddress?: string;
  readonly forceCommand?: string;
  readonly json?: true;
}

const NOTES = `
The certificate is for the key of this device: the one that was used last, else a new one in CUSTODY_HOME.
custody ssh-config makes ssh, scp, sftp and what is built on them use it, and renew it by themselves.
With a target it is good for that target alone.`;

export function sshLoginCommand(cli: Cli): Command {
  return new Command('ssh-login')
    .description('get a certificate for ssh; it lasts for minutes to hours')
    .argument('[target]')
    .option('--key <file>', 'for this key; its public half is enough where ssh-agent has the rest')
    .option('--from-agent [name]', 'for a key of ssh-agent, by its comment or fingerprint')
    .option('--new', 'for a new key')
    .option('--fido', 'for a new key on a FIDO authenticator, which asks for its PIN or finger each time')
    .option('--for <time>', 'how long (default: as long as the gateway gives)', readDuration)
    .option('--source-address <networks>', 'good from these addresses alone, such as 10.0.0.0/8,192.0.2.7')
    .option('--force-command <command>', 'good for this command alone')
    .option('--agent', 'give key and certificate to ssh-agent, for as long as they are good')
    .option('--login', 'log in first, where no login is good any more')
    .option('--if-needed', 'only where the last certificate ends within a minute, and silently')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', NOTES)
    .action((target: string | undefined, options: SshLoginOptions) => sshLogin(cli, target, options));
}

async function sshLogin(cli: Cli, target: string | undefined, options: SshLoginOptions): Promise<void> {
  if (options.ifNeeded) return renew(cli, target);
  const api = await (options.login ? loggedIn(cli) : connectApi(cli));
  if (target !== undefined) await sshTarget(api, target);
  const key = await deviceKey(cli, options);
  const issued = await getCertificate(cli, api, key, bodyOf(target, options));
  if (options.agent) await addToAgent(cli, key, certificateFile(target));
  if (options.json) return printJson(cli, { ...issued, key: key.fingerprint, identity: key.identity });
  say(
    cli,
    `a certificate for ${target ?? 'ssh'}, good until ${issued.expiresAt}, for the key ${key.fingerprint}`,
  );
  await print(cli, cli.home.path(certificateFile(target)));
}

/**
 * As ssh runs it before each connection: no look at the network while the certificate is good. It is got for every target, as one
 * for a single target was asked for once, with its conditions.
 */
async function renew(cli: Cli, target: string | undefined): Promise<void> {
  const known = rememberedKey(cli);
  if (known !== undefined && hasGood(cli, known, target)) return;
  const key = known ?? (await deviceKey(cli, {}));
  await getCertificate(cli, await connectApi(cli), key, {});
}

async function loggedIn(cli: Cli): ReturnType<typeof connectApi> {
  try {
    return await connectApi(cli);
  } catch (error) {
    if (!(error instanceof CustodyError) || !error.code.startsWith('token-')) throw error;
    await login(cli, { browser: true });
    return connectApi(cli);
  }
}

async function sshTarget(api: Awaited<ReturnType<typeof connectApi>>, name: string): Promise<void> {
  const { protocol } = await knownTarget(api, name);
  if (protocol === 'ssh') return;
  throw new CustodyError('unsupported', `${name} does not speak SSH`, {
    hint: `custody connect ${name} needs no certificate of SSH`,
  });
}

function bodyOf(
  target: string | undefined,
  { for: time, sourceAddress, forceCommand }: SshLoginOptions,
): Parameters<typeof getCertificate>[3] {
  return {
    ...(target === undefined ? {} : { target }),
    ...(time === undefined ? {} : { validSeconds: Math.floor(time / 1000) }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(forceCommand === undefined ? {} : { forceCommand }),
  };
}
