import { Command } from 'commander';
import { apiAddress } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { revoke } from '../oidc/refresh.ts';
import { forgetCertificates } from '../ssh/certificate.ts';
import { type Login, removeLogins } from '../stored-tokens.ts';

export function logoutCommand(cli: Cli): Command {
  return new Command('logout')
    .description('forget the login to this API, here and at the identity provider')
    .action(() => logout(cli));
}

/** Forgets first: a provider that is away must not keep tokens on the disk. */
async function logout(cli: Cli): Promise<void> {
  forgetCertificates(cli);
  const logins = await removeLogins(cli, apiAddress(cli).href);
  if (logins.length === 0) return say(cli, 'nobody was logged in');
  say(cli, 'logged out');
  for (const login of logins) await tell(cli, login);
}

async function tell(cli: Cli, login: Login): Promise<void> {
  if (login.kind === 'workload' || login.refreshToken === undefined) return;
  const told = await revoke(login, login.refreshToken).catch(() => false);
  if (!told) say(cli, `${login.issuer} could not be told: the login there lives until it expires`);
}
