import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import { claimsOf } from '../claims.ts';
import type { Cli } from '../cli.ts';
import { libpqService, takesService } from '../libpq-service.ts';
import { publicCas } from '../public-cas.ts';
import { deviceEnv } from './device-certificate.ts';
import type { ClientEnv, ClientKit, Wishes } from './kit.ts';
import { postgresExecutor } from './postgres-executor.ts';

export const postgresKit: ClientKit = {
  usual: 'psql',
  env: envOf,
  secretFile: passFile,
  prepare: async (cli, api, target, command, wishes) => ({
    command,
    env: await envOf(cli, api, target, takesService(command) ? { ...wishes, libpq: true } : wishes),
  }),
  open: async (cli, api, target, wishes) => postgresExecutor(await envOf(cli, api, target, wishes), target),
};

async function envOf(
  cli: Cli,
  { token }: Api,
  target: Target,
  { libpq, secretFile, ...asking }: Wishes,
): Promise<ClientEnv> {
  return {
    ...libpqEnv(cli, target, token!),
    ...(secretFile === undefined ? {} : { PGPASSWORD: undefined, PGPASSFILE: secretFile }),
    ...askingEnv(cli, asking),
    ...(await deviceEnv(cli)),
    ...(libpq ? libpqService(cli) : {}),
  };
}

/** libpq's variables: "Environment Variables" in the PostgreSQL manual. */
function libpqEnv(cli: Cli, target: Target, token: string): ClientEnv {
  const { email, subject } = claimsOf(token);
  return {
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGDATABASE: databaseOf(target),
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

/** https://www.postgresql.org/docs/current/libpq-pgpass.html: read at each connection, so that it may be renewed meanwhile. */
function passFile(target: Target, token: string): string {
  const [host, password] = [target.host, token].map((text) => text.replaceAll(/[\\:]/g, '\\$&'));
  return `${host}:${target.port}:*:*:${password}\n`;
}

function databaseOf({ name, database }: Target): string {
  if (database !== undefined) return database;
  throw new CustodyError('format-invalid', `the gateway did not say which database ${name} is`, {
    hint: 'are the gateway and this custody of one version?',
  });
}

/** In libpq's options, where a backslash keeps what would end a setting. https://www.postgresql.org/docs/current/libpq-connect.html */
function askingEnv({ env }: Cli, { reason, ticket, as: task }: Wishes): ClientEnv {
  const setting = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`-c custody.${name}=${value.replaceAll(/[\\ \t\n\v\f\r]/g, '\\$&')}`];
  const settings = [
    ...setting('reason', reason),
    ...setting('ticket', ticket),
    ...setting('run', task?.run),
    ...setting('task', task?.task),
    ...setting('traceparent', task?.trace),
  ];
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
