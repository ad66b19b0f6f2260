/** PostgreSQL's own clients, as they reach a contender. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Contender } from './contender.ts';

const run = promisify(execFile);

export async function client(
  program: 'psql' | 'pgbench',
  args: readonly string[],
  contender: Contender,
): Promise<string> {
  const { stdout } = await run(program, [...args], { env: await environment(contender), maxBuffer: 1 << 28 });
  return stdout;
}

export async function sql(
  contender: Contender,
  database: string,
  statements: readonly string[],
): Promise<void> {
  for (const statement of statements) await client('psql', ['-qc', statement, database], contender);
}

/** Runs pgbench with a line of progress each second, given to `progress`; what it prints at the end. */
export async function pgbench(
  args: readonly string[],
  contender: Contender,
  progress: (line: string) => void = () => undefined,
): Promise<string> {
  const child = spawn('pgbench', ['--progress=1', ...args], {
    env: await environment(contender),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    progress(line);
    if (!line.startsWith('progress')) errors += `${line}\n`;
  });
  const code = await new Promise<number | null>((done, fail) =>
    child.once('close', done).once('error', fail),
  );
  if (code === 0) return said;
  throw new Error(`pgbench on ${contender.name} ended with ${code}: ${errors}`);
}

async function environment({ port, sslmode, password, options }: Contender): Promise<NodeJS.ProcessEnv> {
  return {
    ...process.env,
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'bench',
    PGSSLMODE: sslmode,
    PGPASSWORD: password,
    ...(options === undefined ? {} : { PGOPTIONS: await options() }),
  };
}
