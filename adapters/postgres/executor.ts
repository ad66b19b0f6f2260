/** Commands of a contract at a gateway, by a client of our own. */
import { CustodyError } from '#core/errors.ts';
import type { Executed, Executor } from '#core/tasks/exec/executor.ts';

export interface PostgresAddress {
  /** The target's name, for words. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** libpq's, which name run and task. */
  readonly options?: string | undefined;
  /** PEM. */
  readonly ca: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly connectSeconds: number;
}

/** A connection that knows nothing of types: values come and go as texts. Loaded where it is used. */
export async function openPostgres(to: PostgresAddress): Promise<Executor> {
  const { default: pg } = await import('pg');
  const { name, connectSeconds, ca, clientCertificate, options, ...login } = to;
  const client = new pg.Client({
    ...login,
    ...(options === undefined ? {} : { options }),
    ssl: { ca, ...clientCertificate },
    connectionTimeoutMillis: connectSeconds * 1000,
    types: { getTypeParser: () => (text: unknown) => text },
  });
  // What ends the session between two commands is told by the next one.
  client.on('error', () => undefined);
  await client.connect().catch((error: unknown) => {
    throw asRefusal(error);
  });
  return {
    run: async (command) => {
      if (!('statement' in command)) throw new CustodyError('unsupported', `${name} takes statements`);
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
