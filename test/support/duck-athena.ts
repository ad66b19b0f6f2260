/** Athena's part played by another engine: the statement is parsed as Athena's, and runs over the objects as they are put. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { literal } from '#adapters/aws/athena/queries.ts';
import type { Statement } from '#adapters/aws/athena/statement.ts';
import { EVENT_TABLES } from '#cdk/event-tables.ts';

const PROGRAM = fileURLToPath(new URL('duck-athena.py', import.meta.url));

interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface DuckAthena {
  ask(statement: Statement): Promise<Answer>;
  stop(): void;
}

/** `objects`: what is in the bucket, by key. */
export function duckAthena(objects: ReadonlyMap<string, Uint8Array>, database: string): DuckAthena {
  const folder = mkdtempSync(join(tmpdir(), 'custody-duck-'));
  for (const [key, bytes] of objects) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), bytes);
  }
  const python = join(process.env['CUSTODY_OCSF']!, 'python');
  const child = spawn(python, [PROGRAM, folder, database, JSON.stringify(EVENT_TABLES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async ({ sql, values }) => {
      child.stdin.write(`${JSON.stringify({ sql, values: values.map(literal) })}\n`);
      const { value } = await lines.next();
      const answer = JSON.parse(String(value)) as Answer & { readonly error?: string };
      if (answer.error !== undefined) throw new Error(`${answer.error}\n${sql}`);
      return answer;
    },
    stop: () => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
