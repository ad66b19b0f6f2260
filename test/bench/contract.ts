/** What the workloads of pgbench are as a task: the bench's gateway with a contract in force. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { readConfig } from '#core/access/config.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';

const OFTEN = { max: 1_000_000_000 };
const id = { type: 'integer', min: 1 } as const;
const delta = { type: 'integer', min: -5000, max: 5000 } as const;

/** What pgbench asks first. */
const PARTITIONS = `select o.n, p.partstrat, pg_catalog.count(i.inhparent) from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on (n.oid = c.relnamespace)
  cross join lateral (select pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname)) as o(n)
  left join pg_catalog.pg_partitioned_table as p on (p.partrelid = c.oid)
  left join pg_catalog.pg_inherits as i on (c.oid = i.inhparent)
  where c.relname = 'pgbench_accounts' and o.n is not null group by 1, 2 order by 1 asc limit 1`;

export const BENCH_WORKFLOW = {
  tasks: {
    pgbench: {
      target: 'bench',
      by: { groups: ['bench'] },
      within: '12h',
      runs: 400,
      contract: {
        does: [
          command('partition', PARTITIONS),
          command('branches', 'select count(*) from pgbench_branches'),
          command(
            'find',
            'SELECT abalance FROM pgbench_accounts WHERE aid = $1',
            { $1: id },
            { rows: { max: 1 } },
          ),
          command(
            'account',
            'UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2',
            { $1: delta, $2: id },
            { affected: 1 },
          ),
          command(
            'teller',
            'UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2',
            { $1: delta, $2: id },
            { affected: 1 },
          ),
          command(
            'branch',
            'UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2',
            { $1: delta, $2: id },
            { affected: 1 },
          ),
          command(
            'history',
            'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)',
            { $1: id, $2: id, $3: id, $4: delta },
            { affected: 1 },
          ),
          command('out', 'COPY wide TO STDOUT'),
          command('narrow', 'SELECT v FROM narrow'),
          command('in', 'COPY copied FROM STDIN'),
          command('read', 'SELECT 1'),
        ],
      },
    },
  },
};

/** A new run, as a run has no more than 400 executions: what a client says to be its task. */
export async function contractRun(data: string): Promise<string> {
  const { compiled } = await readConfig(await readFile(join(data, 'custody.yaml'), 'utf8'), 'custody.yaml');
  const workflow = compiled.get('bench')!;
  const by = { issuer: 'http://127.0.0.1', subject: 'bench', groups: ['bench'] };
  const key = randomBytes(32);
  const run = newRun(
    workflow,
    { by, policy: 'a'.repeat(64) },
    { id: newSessionId(Date.now(), randomBytes(10)), key, now: new Date() },
  );
  const store = localRunStore(data);
  await store.create(run, key);
  store.close();
  return `-c custody.run=${run.id} -c custody.task=pgbench`;
}

function command(name: string, statement: string, values: object = {}, answers: object = {}): object {
  return { name, statement, values, answers, times: OFTEN };
}
