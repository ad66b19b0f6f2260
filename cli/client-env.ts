import { CustodyError } from '#core/errors.ts';
import { type Api, getTargets } from './api.ts';
import type { Target } from './api-shapes.ts';
import { claimsOf } from './claims.ts';
import type { Cli } from './cli.ts';
import { connectApi } from './connect-api.ts';
import { publicCas } from './public-cas.ts';

/** Variables for a client of one target; undefined: unset it, as it would lead the client elsewhere. */
export type ClientEnv = Readonly<Record<string, string | undefined>>;

/** What a gateway is told where a rule lets clients wait for an approval. */
export interface Asking {
  readonly reason?: string;
  readonly ticket?: string;
}

/** What a client of `name` needs in its environment, the token among it. Rejects with `target-unknown`. */
export async function clientEnv(cli: Cli, name: string, asking: Asking = {}): Promise<ClientEnv> {
  const api = await connectApi(cli);
  const target = await findTarget(api, name);
  if (target.protocol === 'postgres')
    return { ...postgresEnv(cli, target, api.token!), ...askingEnv(cli, asking) };
  throw new CustodyError(
    'unsupported',
    `${name} speaks ${target.protocol}, which this custody does not know`,
  );
}

async function findTarget(api: Api, name: string): Promise<Target> {
  const targets = await getTargets(api);
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  const names = targets.map((target) => target.name).join(', ');
  throw new CustodyError('target-unknown', `there is no target ${name} that you may connect to`, {
    hint: names === '' ? 'you may not connect to any' : `there are: ${names}`,
  });
}

/** libpq's variables: "Environment Variables" in the PostgreSQL manual. */
function postgresEnv(cli: Cli, target: Target, token: string): ClientEnv {
  const { email, subject } = claimsOf(token);
  return {
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGDATABASE: target.database,
    PGUSER: email ?? subject,
    PGPASSWORD: token,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: rootCertificate(cli, target),
    PGCONNECT_TIMEOUT: cli.env['PGCONNECT_TIMEOUT'] ?? String(target.connectSeconds),
    PGHOSTADDR: undefined,
    PGSERVICE: undefined,
    PGREQUIREAUTH: undefined,
    PGCHANNELBINDING: undefined,
  };
}

/** In libpq's options, where a backslash keeps what would end a setting. https://www.postgresql.org/docs/current/libpq-connect.html */
function askingEnv({ env }: Cli, { reason, ticket }: Asking): ClientEnv {
  const setting = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`-c custody.${name}=${value.replaceAll(/[\\ \t\n\v\f\r]/g, '\\$&')}`];
  const settings = [...setting('reason', reason), ...setting('ticket', ticket)];
  if (settings.length === 0) return {};
  return { PGOPTIONS: [env['PGOPTIONS'] ?? '', ...settings].join(' ').trim() };
}

/** A file with the gateway's CA; with all public ones where one of them vouches for it. */
function rootCertificate(cli: Cli, { name, caPem }: Target): string {
  if (!caPem) return publicCas(cli);
  const file = `ca-${name}.pem`;
  if (cli.home.read(file) !== caPem) cli.home.write(file, caPem);
  return cli.home.path(file);
}
