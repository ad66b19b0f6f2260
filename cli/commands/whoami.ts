import { Command } from 'commander';
import { apiAddress } from '../api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { facts } from '../listing.ts';
import { claimsOf, currentToken } from '../tokens.ts';

export function whoamiCommand(cli: Cli): Command {
  return new Command('whoami')
    .description('who the token says you are')
    .option('--json', 'as one line of JSON')
    .action(({ json }: { json?: true }) => whoami(cli, json === true));
}

async function whoami(cli: Cli, json: boolean): Promise<void> {
  const { issuer, subject, email, groups, expiresAt } = claimsOf(await currentToken(cli));
  const expires = new Date(expiresAt).toISOString();
  const api = apiAddress(cli).href;
  if (json) return printJson(cli, { subject, email, groups, issuer, expiresAt: expires, api });
  const shown = { who: email ?? subject, subject, groups: groups.join(', '), issuer, expires, api };
  await print(cli, facts(shown).join('\n'));
}
