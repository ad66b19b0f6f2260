import { readFileSync } from 'node:fs';
import { CustodyError } from '#core/errors.ts';
import type { Target } from '../api-shapes.ts';
import type { ClientEnv, Executed, Executor } from './kit.ts';

/** A connection that knows nothing of types: values come and go as texts. Loaded where it is used. */
export async function openPostgres(env: ClientEnv, target: Target): Promise<Executor> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    host: env['PGHOST']!,
    port: Number(env['PGPORT']),
    database: env['PGDATABASE']!,
    user: env['PGUSER']!,
    password: env['PGPASSWORD']!,
    ...(env['PGOPTIONS'] === undefined ? {} : { options: env['PGOPTIONS'] }),
    ssl: {
      ca: readFileSync(env['PGSSLROOTCERT']!, 'utf8'),
      ...(env['PGSSLCERT'] === undefined
        ? {}
        : { cert: readFileSync(env['PGSSLCERT'], 'utf8'), key: readFileSync(env['PGSSLKEY']!, 'utf8') }),
    },
    connectionTimeoutMillis: target.connectSeconds * 1000,
    types: { getTypeParser: () => (text: unknown) => text },
  });
  // What ends the session between two commands is told by the next one.
  client.on('error', () => undefined);
  await client.connect().catch((error: unknown) => {
    throw asRefusal(error);
  });
  return {
    run: async (command) => {
      if (!('statement' in command)) throw new CustodyError('unsupported', `${target.name} takes statements`);
      const text = command.statement;
      const query = { text, values: [...command.values], rowMode: 'array' as const };
      const result = await client.query<(string | null)[]>(query).catch((error: unknown) => {
        throw asRefusal(error);
      });
      return executed(result);
    },
    end: () => client.end().catch(() => undefined),
  };
}

interface Result {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly fields: readonly { readonly name: string }[];
}

function executed({ command, rowCount, rows, fields }: Result): Executed {
  const affected = command === 'SELECT' || rowCount === null ? {} : { affected: rowCount };
  return fields.length === 0 ? affected : { columns: fields.map(({ name }) => name), rows, ...affected };
}

/** The server's words, or the gateway's: it says what to do next in the hint. */
function asRefusal(error: unknown): CustodyError {
  const { message, hint, detail } = error as Error & { readonly hint?: string; readonly detail?: string };
  const next = hint ?? detail;
  return new CustodyError('target-refused', message, next === undefined ? {} : { hint: next });
}
