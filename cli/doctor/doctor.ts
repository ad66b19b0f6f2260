/** `custody doctor`: a gateway that runs, looked at from a client's place inwards. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { type Api, apiAddress, getTargets } from '../api.ts';
import { getText } from '../aws/get-text.ts';
import type { Cli } from '../cli.ts';
import { readGivenFile } from '../given-file.ts';
import { type Check, type Finding, unknown } from '../findings/finding.ts';
import { exitCodeOf, report } from '../findings/report.ts';
import { type Deployment, readDeployment } from '../init/settings.ts';
import { lookupHost } from '../preflight/names.ts';
import { ownVersion } from '../version.ts';
import { apiFindings } from './api.ts';
import { awsChecks } from './aws/checks.ts';
import { ledgerFindings } from './ledger.ts';
import type { Listener } from './listener.ts';
import { listenerFindings, listenersOf } from './listeners.ts';
import { portsOf, USUAL } from './looks.ts';
import { loginFindings } from './login.ts';
import { statusFindings } from './status.ts';
import { ownToken, tokenFindings } from './token.ts';

export interface DoctorOptions {
  readonly api?: string;
  readonly gateway?: string;
  readonly ca?: string;
  readonly aws?: true;
  readonly profile?: string;
  readonly json?: true;
}

const NOT_LOOKED_AT = 2;
const CA_MAX = 256 << 10;

export async function doctor(given: Cli, options: DoctorOptions): Promise<void> {
  given.exitWith(NOT_LOOKED_AT);
  const deployment = deploymentHere(options.aws === true);
  const cloud = options.aws ? await awsChecks(given, deployment!, options.profile) : undefined;
  const api = options.api ?? cloud?.apiUrl;
  const cli = api === undefined ? given : { ...given, env: { ...given.env, CUSTODY_API: api } };
  const checks = { ...(await outsideChecks(cli, options, deployment)), ...cloud?.checks };
  const found = await report(cli, checks, { none: 'nothing is wrong', json: options.json === true });
  cli.exitWith(exitCodeOf(found));
}

/** The settings of what is deployed, where this is their folder. */
function deploymentHere(isNeeded: boolean): Deployment | undefined {
  const cwd = process.cwd();
  if (!isNeeded && !existsSync(join(cwd, 'cdk.json'))) return undefined;
  try {
    return readDeployment(cwd);
  } catch (error) {
    if (isNeeded) throw error;
    return undefined;
  }
}

/** What whoever uses the gateway can look at. What needs the API is left out where that does not answer: it was said. */
async function outsideChecks(
  cli: Cli,
  options: DoctorOptions,
  deployment: Deployment | undefined,
): Promise<Readonly<Record<string, Check>>> {
  const base = apiAddress(cli);
  const reached = apiFindings(base, ownVersion(), cli.now);
  const own = await ownToken(cli);
  const open = { base };
  const api: Api = own.token === undefined ? open : { base, token: own.token };
  const ifReached =
    (check: Check): Check =>
    async () =>
      (await reached).isThere ? check() : [];
  const withToken = (check: Check): Check => (own.token === undefined ? async () => [] : ifReached(check));
  return {
    API: async () => (await reached).findings,
    login: ifReached(() => loginFindings(open, getText)),
    'your login': own.token === undefined ? async () => [own.finding] : ifReached(() => tokenFindings(api)),
    gateway: async () =>
      gatewayFindings(cli, await listeners(api, options, deployment, (await reached).isThere)),
    status: withToken(() => statusFindings(api)),
    ledger: ifReached(() => ledgerFindings(cli, api)),
  };
}

async function gatewayFindings(cli: Cli, all: readonly Listener[]): Promise<readonly Finding[]> {
  if (all.length === 0) {
    const todo =
      'log in as somebody who may use a target, give --gateway host:port, or run it in the folder of cdk.json';
    return [unknown('gateway', 'where it listens is not known here', { todo })];
  }
  const ports = { resolve: lookupHost, now: new Date(cli.now()) };
  return (await Promise.all(all.map((one) => listenerFindings(one, ports)))).flat();
}

/** What was given, else what the API tells who is logged in, else what was deployed. */
async function listeners(
  api: Api,
  { gateway, ca }: DoctorOptions,
  deployment: Deployment | undefined,
  isThere: boolean,
): Promise<readonly Listener[]> {
  const caPem = ca === undefined ? undefined : readGivenFile(ca, CA_MAX);
  if (gateway !== undefined) return [{ protocol: USUAL, ...hostAndPort(gateway), caPem }];
  if (isThere && api.token !== undefined) {
    const told = listenersOf(await getTargets(api).catch(() => []));
    if (told.length > 0) return told.map((one) => ({ ...one, caPem: caPem ?? one.caPem }));
  }
  return deployment === undefined ? [] : deployedListeners(deployment, caPem);
}

function hostAndPort(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) > 0 && Number(port) < 65_536) return { host, port: Number(port) };
  throw new CustodyError(
    'config-invalid',
    `--gateway ${text}: expected host:port, such as gateway.example.com:5432`,
  );
}

function deployedListeners({ settings, config, folder }: Deployment, given: string | undefined): Listener[] {
  const { hostname: host } = settings.gateway;
  const file = join(folder, 'gateway-ca.pem');
  const caPem = given ?? (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
  const ports = portsOf(settings.gateway);
  const spoken = new Set([...config.targets.values()].map(({ protocol }) => protocol));
  return [...spoken].map((protocol) => ({ protocol, host, port: ports[protocol], caPem }));
}
