import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '#core/access/config.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { observe } from '#core/tasks/learn/observe.ts';
import { learn } from '#core/tasks/learn.ts';
import { testSession } from '#core/tasks/test-sessions.ts';
import { OracleServer } from '#test/oracle/server.ts';
import { hasClient } from '#test/support/clients.ts';
import { shapes } from './result/support.ts';

const run = promisify(execFile);
/** Transactions of a session; the long form is `npm run oracle:tasks`. */
const TIMES = process.env['CUSTODY_ORACLE_TASKS'] === undefined ? 20 : 60;
const CONFIG = `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  db: { protocol: postgres, address: 127.0.0.1:5432, database: d, credential: { user: u, passwordFile: p }, tls: { mode: disable } }
rules: [{ name: r, groups: [g], targets: [db], allow: [connect] }]
`;

/** What a client and the server say to each other, by connection. */
class Recorder {
  readonly sessions: ReplayFrame[][] = [];
  readonly #server = createServer((client) => {
    const frames: ReplayFrame[] = [];
    this.sessions.push(frames);
    const target = connect(this.#port, '127.0.0.1');
    const record = (stream: 'client' | 'target') => (payload: Buffer) => {
      frames.push({ stream, withheld: false, timeUs: frames.length, payload });
      (stream === 'client' ? target : client).write(payload);
    };
    client.on('data', record('client')).on('error', () => undefined);
    target.on('data', record('target')).on('error', () => undefined);
    client.on('close', () => target.end());
    target.on('close', () => client.end());
  });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
  }
}

async function* streamed(frames: readonly ReplayFrame[]): AsyncGenerator<ReplayFrame> {
  yield* frames;
}

describe.runIf(hasClient('pgbench'))('a contract that was learned of pgbench', () => {
  const server = new OracleServer();
  let recorder: Recorder;
  let port: number;

  beforeAll(async () => {
    await server.start();
    recorder = new Recorder(server.port);
    port = await recorder.start();
    await pgbench(server.port, ['-i', '-q', '-s', '1']);
  }, 60_000);
  afterAll(async () => {
    recorder.stop();
    await server.stop();
  });

  const pgbench = (at: number, args: readonly string[]) =>
    run('pgbench', ['-h', '127.0.0.1', '-p', String(at), '-U', 'app', ...args, 'postgres'], {
      env: { ...process.env, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' },
    });

  /** The session that does the work: the first only asks how large the tables are. */
  async function recorded(args: readonly string[]): Promise<readonly ReplayFrame[]> {
    const before = recorder.sessions.length;
    await pgbench(port, ['-n', '-c', '1', '-t', String(TIMES), ...args]);
    return recorder.sessions.slice(before).toSorted((one, other) => other.length - one.length)[0]!;
  }

  test.each([
    ['TPC-B', [], 5],
    ['TPC-B, prepared', ['-M', 'prepared'], 5],
    ['-S', ['-S'], 1],
    ['-S, extended', ['-S', '-M', 'extended'], 1],
  ] as const)(
    '%s: a handful of shapes, and the next session keeps it once its ranges are reviewed',
    async (_, args, most) => {
      const parts = await shapes;
      const seen = (seed: number) => recorded([...args, `--random-seed=${seed}`]);
      const shown = [await seen(1), await seen(2)];
      const observed = [];
      for (const [at, frames] of shown.entries())
        observed.push(await observe({ id: `session-${at}`, target: 'db' }, streamed(frames), parts));
      const text = learn(observed, { workflow: 'bench', groups: ['g'], shapesAt: () => parts });
      const tested = async (learned: string, frames: readonly ReplayFrame[]) => {
        const config = await readConfig(CONFIG + learned, 'custody.yaml');
        const tasks = [...config.compiled.get('bench')!.tasks.values()];
        expect(tasks.map(({ contract }) => contract.commands.length)).toEqual([most]);
        return (await testSession(() => streamed(frames), tasks, parts))!.best;
      };
      const again = await tested(text, shown[0]!);
      expect(again.deviations, text).toEqual([]);
      expect(again.fitting).toBe(TIMES * most);
      const other = await seen(3);
      const kinds = (await tested(text, other)).deviations.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind !== 'value')).toEqual([]);
      // What people do with a range of random numbers.
      const reviewed = await tested(text.replaceAll(/^ +(?:min|max): -?\d+\n/gm, ''), other);
      expect(reviewed).toMatchObject({ deviations: [], fitting: TIMES * most });
    },
    60_000,
  );
});
