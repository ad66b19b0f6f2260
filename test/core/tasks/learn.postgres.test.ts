import { execFile } from 'node:child_process';
import { connect, createServer, type Server } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#core/access/config.ts';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { ContractWatch } from '#core/tasks/contract-watch.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { type ObservedSession, observe } from '#core/tasks/learn/observe.ts';
import { learn } from '#core/tasks/learn.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';

const run = promisify(execFile);
const CONFIG = `version: 1
identity: { issuer: https://issuer.example, audience: custody, groupsClaim: groups }
targets:
  bench:
    protocol: postgres
    address: 127.0.0.1:5432
    database: postgres
    tls: { mode: disable }
    credential: { user: app, passwordFile: password }
rules: [{ name: all, groups: [bench], targets: [bench], allow: [connect] }]
`;

/** Between clients and a server: what passes, as a recording has it. */
class Tap {
  readonly sessions: ReplayFrame[][] = [];
  readonly #server: Server;

  constructor(to: number) {
    this.#server = createServer((client) => {
      const frames: ReplayFrame[] = [];
      this.sessions.push(frames);
      const target = connect(to, '127.0.0.1');
      const note = (stream: 'client' | 'target') => (payload: Buffer) =>
        void frames.push({
          stream,
          withheld: false,
          timeUs: frames.length * 1000,
          payload: Buffer.from(payload),
        });
      client.on('data', note('client')).on('error', () => undefined);
      target.on('data', note('target')).on('error', () => undefined);
      client.pipe(target).pipe(client);
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  close(): void {
    this.#server.close();
  }
}

async function* streamed(frames: readonly ReplayFrame[]): AsyncGenerator<ReplayFrame> {
  yield* frames;
}

describe.runIf(hasDebianPostgres())('a workflow that is learned from pgbench', () => {
  let server: DebianPostgres;
  let shapes: CommandShapes;
  let tap: Tap;
  let port: number;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    shapes = await loadPostgresShapes();
    port = (await freePortBase()) + 45;
    server = await startDebianPostgres(port, 'md5');
    tap = new Tap(port);
    await tap.listen(port + 1);
    env = {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGUSER: 'app',
      PGDATABASE: 'postgres',
      PGPASSWORD: server.password,
      PGSSLMODE: 'disable',
      PGGSSENCMODE: 'disable',
    };
    await run('pgbench', ['-i', '-q', '-s', '1'], { env: { ...env, PGPORT: String(port) } });
  });
  afterAll(async () => {
    tap?.close();
    await server?.stop();
  });

  async function pgbench(mode: string, transactions: number): Promise<ObservedSession[]> {
    const before = tap.sessions.length;
    const more = { env: { ...env, PGPORT: String(port + 1) } };
    await run('pgbench', ['-n', '-c', '1', '-t', String(transactions), '-M', mode], more);
    const observed = await Promise.all(
      tap.sessions
        .slice(before)
        .map((frames, at) => observe({ id: `${mode}-${at}`, target: 'bench' }, streamed(frames), shapes)),
    );
    return observed.filter(({ executions }) =>
      executions.some(({ command }) => command.text.startsWith('UPDATE')),
    );
  }

  it.each(['simple', 'extended', 'prepared'])('takes those sessions and no wider ones: %s', async (mode) => {
    const observed = await pgbench(mode, 12);
    expect(observed).toHaveLength(1);
    const text = learn(observed, { workflow: 'bench', groups: ['bench'], shapesAt: () => shapes });
    for (const command of [
      'UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2',
      'SELECT abalance FROM pgbench_accounts WHERE aid = $1',
      'VALUES ($1, ',
    ])
      expect(text).toContain(command);
    expect(text.match(/times: 12$/gm)).toHaveLength(5);
    const config = await readConfig(CONFIG + text, 'custody.yaml');
    const [task] = [...config.compiled.get('bench')!.tasks.values()];
    const facts = { inputs: new Map(), column: () => undefined, digests: new RunDigests(Buffer.alloc(32)) };
    const judged = (sessions: readonly ObservedSession[]) => {
      const watch = new ContractWatch(task!.contract, facts);
      return sessions.flatMap(({ executions }) =>
        executions.flatMap(({ command, beside, answer, undoes }) => {
          if (beside !== undefined || undoes === true) return [];
          const judgement = watch.judge(command, 0);
          if (!judgement.fits) return [judgement.deviation.kind];
          watch.went(judgement.command);
          return watch.answered(judgement.command, answer).map(({ kind }) => kind);
        }),
      );
    };
    expect(judged(observed)).toEqual([]);
    // Other accounts, or more of them, are not what was seen.
    expect(judged(await pgbench(mode, 30))).not.toEqual([]);
  });
});
