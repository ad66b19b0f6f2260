import { Command } from 'commander';
import { API_FILE, apiAddress } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { safeUrl } from '../http.ts';
import { browserLogin } from '../oidc/browser.ts';
import { deviceLogin } from '../oidc/device.ts';
import { discover } from '../oidc/discover.ts';
import { tokensFrom } from '../oidc/tokens-from.ts';
import { checkSigner } from '../signer-pin.ts';
import { storeTokens } from '../stored-tokens.ts';
import { claimsOf } from '../tokens.ts';

interface LoginOptions {
  readonly device?: true;
  readonly browser: boolean;
  readonly issuer?: string;
  readonly clientId: string;
  readonly api?: string;
}

const DEFAULT_ISSUER = 'http://127.0.0.1:7401';

export function loginCommand(cli: Cli): Command {
  return new Command('login')
    .description('log in with the identity provider, in a browser')
    .option('--device', 'confirm a code in a browser on any machine instead')
    .option('--no-browser', 'print the address only')
    .option('--issuer <url>', `the identity provider (default: CUSTODY_ISSUER, else ${DEFAULT_ISSUER})`)
    .option('--client-id <id>', 'the client that is registered there', 'custody')
    .option('--api <url>', 'the Custody API (default: CUSTODY_API, the last one, else http://127.0.0.1:7402)')
    .action((options: LoginOptions) => login(cli, options));
}

/** The signing key is looked at first: nobody logs in to a gateway that was swapped. */
async function login(cli: Cli, options: LoginOptions): Promise<void> {
  const base = options.api === undefined ? apiAddress(cli) : safeUrl(options.api, 'the API address');
  const issuer = options.issuer ?? (cli.env['CUSTODY_ISSUER'] || DEFAULT_ISSUER);
  await checkSigner(cli, { base });
  const config = await discover(issuer, options.clientId);
  const response = options.device
    ? await deviceLogin(cli, config)
    : await browserLogin(cli, config, options.browser);
  const tokens = tokensFrom(issuer, options.clientId, response);
  const { subject, email } = claimsOf(tokens.idToken);
  storeTokens(cli, tokens);
  cli.home.write(API_FILE, `${base.href}\n`);
  say(cli, `logged in as ${email ?? subject}`);
  if (cli.env['CUSTODY_TOKEN']) say(cli, 'note: CUSTODY_TOKEN is set, and is used instead of this login');
}
