import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { API_FILE, type Api, apiAddress } from '../api.ts';
import { claimsOf } from '../claims.ts';
import { type Cli, say } from '../cli.ts';
import { safeUrl } from '../http.ts';
import { issuerForPerson, issuersForWorkload } from '../offered-issuers.ts';
import { browserLogin } from '../oidc/browser.ts';
import { deviceLogin } from '../oidc/device.ts';
import { discover } from '../oidc/discover.ts';
import { type Plan, planFor, type Wishes, withWishes } from '../oidc/plan.ts';
import { tokensFrom } from '../oidc/tokens-from.ts';
import { type StoreKind, stores } from '../sealed-tokens.ts';
import { checkSigner } from '../signer-pin.ts';
import { forgetCertificates } from '../ssh/certificate.ts';
import { addLogin, type Login } from '../stored-tokens.ts';
import { type SourceName, sourceIn, sourceNames } from '../workload/sources.ts';
import { issuerOf, workloadToken } from '../workload/workload-token.ts';

interface LoginOptions extends Wishes {
  readonly browser: boolean;
  readonly issuer?: string;
  readonly api?: string;
  readonly store?: StoreKind;
  readonly workload?: SourceName | true;
  readonly tokenFile?: string;
}

const NOTES = `
The API says where and how to log in: its address is all that has to be given, once.
A machine (--workload) keeps no secret: it gets a new token for each use, from GitHub Actions, from GitLab (in the variable
CUSTODY_ID_TOKEN), from AWS, or from a file that somebody renews, such as a projected one of Kubernetes.`;

export function loginCommand(cli: Cli): Command {
  return new Command('login')
    .description('log in with the identity provider, in a browser; or as a machine')
    .option('--api <url>', 'the Custody API (default: CUSTODY_API, the last one, else http://127.0.0.1:7402)')
    .option('--issuer <name>', 'which identity provider, by name or address (default: CUSTODY_ISSUER)')
    .option('--device', 'confirm a code in a browser on any machine instead')
    .option('--no-device', 'in a browser here, where the gateway would have a code')
    .option('--no-browser', 'print the address only')
    .option('--port <n>', 'of the address that the browser comes back to (several: 8400,8401)', readPorts)
    .option('--scope <scopes>', 'what to ask for, such as "openid email groups"', readScopes)
    .addOption(
      new Option('--prompt <what>', 'ask for it each time').choices(['login', 'consent', 'select_account']),
    )
    .option('--client-id <id>', 'the client that is registered there')
    .addOption(new Option('--store <where>', 'where the login is kept (default: auto)').choices(stores))
    .addOption(
      new Option('--workload [from]', 'as a machine; what its token is from is found out').choices(
        sourceNames,
      ),
    )
    .option('--token-file <path>', 'as a machine whose token is in this file')
    .addHelpText('after', NOTES)
    .action((options: LoginOptions) => login(cli, options));
}

/** The signing key is looked at first: nobody logs in to a gateway that was swapped. */
export async function login(cli: Cli, options: LoginOptions): Promise<void> {
  const base = options.api === undefined ? apiAddress(cli) : safeUrl(options.api, 'the API address');
  await checkSigner(cli, { base });
  const isMachine = options.workload !== undefined || options.tokenFile !== undefined;
  const [login, token] = await (isMachine ? asMachine : asPerson)(cli, { base }, options);
  const { subject, email } = claimsOf(token);
  await addLogin(cli, login, options.store ?? 'auto');
  forgetCertificates(cli);
  cli.home.write(API_FILE, `${base.href}\n`);
  say(cli, `logged in as ${email ?? subject}`);
  for (const name of ['CUSTODY_TOKEN', 'CUSTODY_TOKEN_FILE'])
    if (cli.env[name]) say(cli, `note: ${name} is set, and is used instead of this login`);
}

type Made = readonly [login: Login, token: string];

async function asPerson(cli: Cli, api: Api, options: LoginOptions): Promise<Made> {
  const offered = await issuerForPerson(cli, api, options.issuer ?? (cli.env['CUSTODY_ISSUER'] || undefined));
  const plan = withWishes(typeof offered === 'string' ? planFor(offered) : offered, options);
  const config = await discover(plan);
  const response = await (plan.flow === 'device'
    ? deviceLogin(cli, config, plan)
    : browserLogin(cli, config, plan, options.browser));
  const tokens = tokensFrom(plan.token, response);
  return [personLogin(api, plan, tokens), tokens.token];
}

function personLogin(
  { base }: Api,
  { issuer, clientId, clientSecret, token: tokenKind }: Plan,
  tokens: ReturnType<typeof tokensFrom>,
): Login {
  const client = { clientId, ...(clientSecret !== undefined && { clientSecret }) };
  return { kind: 'person', api: base.href, issuer, ...client, tokenKind, ...tokens };
}

/** One token is looked at, so that what does not work is heard now. */
async function asMachine(cli: Cli, api: Api, options: LoginOptions): Promise<Made> {
  const source = sourceOf(cli, options);
  const { issuer, audience } = await issuerOf(cli, source, await issuersForWorkload(api, options.issuer));
  const login = { kind: 'workload', api: api.base.href, issuer, audience, ...source } as const;
  return [login, await workloadToken(cli, login)];
}

function sourceOf(
  cli: Cli,
  { workload, tokenFile: file }: LoginOptions,
): NonNullable<ReturnType<typeof sourceIn>> {
  if (file !== undefined) return { source: 'file', file: resolve(file) };
  if (workload !== undefined && workload !== true) return { source: workload };
  const found = sourceIn(cli);
  if (found !== undefined) return found;
  throw new CustodyError('token-missing', 'nothing here says where a token for this machine is from', {
    hint: `say it: custody login --workload ${sourceNames.join('|')}, or --token-file PATH`,
  });
}

function readPorts(text: string): number[] {
  const ports = text.split(',').map(Number);
  if (ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)) return ports;
  throw new InvalidArgumentError('It must be a port such as 8400, or several: 8400,8401.');
}

function readScopes(text: string): string[] {
  return text.split(/[ ,]+/).filter((scope) => scope !== '');
}
