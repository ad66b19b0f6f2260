import { Command } from 'commander';
import { type Cli, say } from '../cli.ts';
import { revoke } from '../oidc/refresh.ts';
import { forgetTokens, storedTokens } from '../stored-tokens.ts';

export function logoutCommand(cli: Cli): Command {
  return new Command('logout')
    .description('forget the login, here and at the identity provider')
    .action(() => logout(cli));
}

/** Forgets first: a provider that is away must not keep tokens on the disk. */
async function logout(cli: Cli): Promise<void> {
  const stored = storedTokens(cli);
  forgetTokens(cli);
  if (stored === undefined) return say(cli, 'nobody was logged in');
  say(cli, 'logged out');
  await revoke(stored).catch(() => {
    say(cli, 'the identity provider could not be told: the login there lives until it expires');
  });
}
