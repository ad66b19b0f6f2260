import { readFileSync } from 'node:fs';
import { openPostgres } from '#adapters/postgres/executor.ts';
import type { Executor } from '#core/tasks/exec/executor.ts';
import type { Target } from '../api-shapes.ts';
import type { ClientEnv } from './kit.ts';

/** By what libpq's clients have in their environment. */
export function postgresExecutor(env: ClientEnv, { name, connectSeconds }: Target): Promise<Executor> {
  const cert = env['PGSSLCERT'];
  return openPostgres({
    ...{ name, connectSeconds, options: env['PGOPTIONS'] },
    host: env['PGHOST']!,
    port: Number(env['PGPORT']),
    database: env['PGDATABASE']!,
    user: env['PGUSER']!,
    password: env['PGPASSWORD']!,
    ca: readFileSync(env['PGSSLROOTCERT']!, 'utf8'),
    clientCertificate:
      cert === undefined
        ? undefined
        : { cert: readFileSync(cert, 'utf8'), key: readFileSync(env['PGSSLKEY']!, 'utf8') },
  });
}
