/** A gateway that dies, or whose disk fails, at each step of a task: what is left of its run, and that anyone can verify it. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import type { RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import type { Plan } from '#test/chaos/plan.ts';
import { custody } from '#test/cli/support.ts';
import { apiAs, type Connected, connected, reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway, temporaryFolder } from '#test/support/local-gateway.ts';
import { sessions } from '#test/support/recorded.ts';

/** A little at a time: what is recorded of it is verified several times. */
const ENDLESS = "COPY (SELECT repeat('x', 8000), pg_sleep(0.01) FROM generate_series(1, 100000)) TO STDOUT";
const FEW = 'SELECT n FROM generate_series(1, 3) n';
const often = { times: { min: 0, max: 5 } };
const common = { target: 'orders-prod', by: [{ groups: ['developers'] }] };
/** `first` may run twice: a run whose gateway died is not lost. */
const CRASHES = {
  tasks: {
    first: {
      ...common,
      runs: 2,
      contract: {
        does: [
          { name: 'few', statement: FEW },
          {
            name: 'nap',
            statement: 'SELECT pg_sleep($1)',
            values: { $1: { type: 'integer', max: 300 } },
            ...often,
          },
          { name: 'dump', statement: ENDLESS, ...often },
        ],
        outputs: { numbers: { of: 'few', columns: ['n'] } },
      },
    },
    second: {
      ...common,
      after: ['first'],
      contract: {
        does: [
          {
            name: 'one',
            statement: 'SELECT $1 + 1',
            values: { $1: { type: 'integer', from: 'first.numbers.n' } },
          },
        ],
      },
    },
  },
};

/** Where the gateway's disk fails: at its n-th claim of a task, or note of what it has told. */
const CLAIM = 'UPDATE runs SET run';
const TOLD = 'UPDATE runs SET told';

/** The long form is `npm run oracle:tasks`. */
const isLong = process.env['CUSTODY_ORACLE_TASKS'] !== undefined;
const STORED = [
  'when the claim is stored: it is an execution that did nothing',
  { fault: 'kill-after', sql: CLAIM },
  ['deviated'],
] as const;
const DEATHS = isLong
  ? ([
      ['before the claim is stored: it never was', { fault: 'kill-before', sql: CLAIM }, []],
      STORED,
      ['when the claim is told: it is told once', { fault: 'kill-before', sql: TOLD }, ['deviated']],
    ] as const)
  : [STORED];

interface SeenRun {
  readonly id: string;
  readonly state: string;
  readonly tasks: readonly {
    readonly name: string;
    readonly state: string;
    readonly executions: readonly { readonly session: string; readonly verdict?: string }[];
  }[];
}

const folder = temporaryFolder();
const plan = join(folder, 'plan.json');
let local: LocalGateway;

beforeAll(async () => {
  const { env } = process;
  const { NODE_OPTIONS } = env;
  const inject = `--import ${new URL('../chaos/inject.ts', import.meta.url).href}`;
  Object.assign(env, { NODE_OPTIONS: inject, CHAOS_PLAN: plan, CHAOS_ONLY: 'fargate-proxy/main.ts' });
  local = await startLocalGateway();
  for (const name of ['NODE_OPTIONS', 'CHAOS_PLAN', 'CHAOS_ONLY']) delete env[name];
  if (NODE_OPTIONS !== undefined) env['NODE_OPTIONS'] = NODE_OPTIONS;
  await reconfigure(local, (text) => {
    const config = parseDocument(text);
    config.setIn(['targets', 'orders-prod', 'recording'], { durability: 'write-ahead' });
    // No anchors for what is the same.
    config.setIn(['workflows', 'crashes'], JSON.parse(JSON.stringify(CRASHES)));
    const rules = (config.toJS() as { rules: object[] }).rules;
    const rule = {
      name: 'crashes-work',
      groups: ['developers'],
      targets: ['orders-prod'],
      allow: ['connect'],
    };
    config.setIn(['rules'], [{ ...rule, when: { task: 'crashes/*' } }, ...rules]);
    return String(config);
  });
});
afterAll(() => local?.stop());

const start = async (): Promise<string> =>
  (await apiAs(local, 'developer').post<SeenRun>('/v1/runs', { workflow: 'crashes' })).id;
const show = (run: string): Promise<SeenRun> => apiAs(local, 'developer').get<SeenRun>(`/v1/runs/${run}`);
const optionsOf = (run: string, task = 'first'): string => `-c custody.run=${run} -c custody.task=${task}`;
const open = (run: string, task?: string) => connected(local, 'orders-prod', optionsOf(run, task));

/** What is expected of a run once everything is settled: the verdicts of each task's executions. */
async function settled(run: string, ...verdicts: readonly (readonly string[])[]): Promise<void> {
  const { tasks } = await eventually(`the results of ${run}`, async () => {
    const seen = await show(run);
    const all = seen.tasks.flatMap(({ executions }) => executions);
    return all.every(({ verdict }) => verdict !== undefined) ? seen : undefined;
  });
  expect(tasks.map(({ executions }) => executions.map(({ verdict }) => verdict))).toEqual(verdicts);
  const ids = tasks.flatMap(({ executions }) => executions.map(({ session }) => session));
  expect(new Set(ids).size).toBe(ids.length);
}

async function verified(run: string): Promise<RunVerifyReport> {
  return eventually(`${run} verified`, async () => {
    const env = await local.cliEnvironment('auditor', join(folder, 'home'));
    const { code, stdout, stderr } = await custody(['run', 'verify', run, '--json'], { env });
    // Its leaves are on their way into the ledger.
    if (code === 4) return undefined;
    if (code !== 0) throw new Error(stdout + stderr);
    return JSON.parse(stdout) as RunVerifyReport;
  });
}

/** The run goes on as it may: `first` once more, and `second` with what it put out. */
async function goesOn(run: string, before: readonly string[]): Promise<void> {
  const first = await open(run);
  await first.client.query(FEW);
  await first.client.end();
  await settled(run, [...before, 'kept'], []);
  const second = await open(run, 'second');
  await second.client.query('SELECT 3 + 1');
  await second.client.end();
  await settled(run, [...before, 'kept'], ['kept']);
  const report = await verified(run);
  expect([report.verdict, report.findings, report.facts!.state]).toEqual(['verified', [], 'done']);
}

/** A session of this run's `first` for `work`, in which the gateway fails. Resolves when it has, and is there again. */
async function failing(
  run: string,
  what: Omit<Plan, 'point' | 'nth' | 'forMs'>,
  work: (session: Connected) => Promise<unknown>,
): Promise<void> {
  const backs = (): number => [...local.said.matchAll(/the gateway is back/g)].length;
  const before = backs();
  const faulty: Plan = { ...what, point: 'statement', nth: 1, forMs: 300 };
  // It is looked for at a write, and not at each: before the session is opened, which writes much.
  writeFileSync(`${plan}.new`, JSON.stringify(faulty));
  renameSync(`${plan}.new`, plan);
  await work(await open(run));
  await eventually('the fault', () => existsSync(`${plan}.done`) || undefined);
  rmSync(`${plan}.done`);
  if (what.fault.startsWith('kill'))
    await eventually('the next gateway', () => backs() > before || undefined);
}

describe.skipIf(!hasClient('psql'))('a gateway that dies', () => {
  it('with tasks that sleep at the target, are in the middle of an answer, have theirs, and have not begun', async () => {
    const [asleep, answering, answered, idle] = await Promise.all([start(), start(), start(), start()]);
    const [sleeper, done, waiter] = await Promise.all([open(asleep), open(answered), open(idle)]);
    await Promise.all([sleeper.client.query(FEW), done.client.query(FEW)]);
    sleeper.client.query('SELECT pg_sleep(250)').catch(() => undefined);
    const environment = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
    const dump = startClient('psql', ['-XAtc', ENDLESS], { ...environment, PGOPTIONS: optionsOf(answering) });
    let received = 0;
    dump.child.stdout!.on('data', ({ byteLength }: Buffer) => (received += byteLength));
    await eventually('both to be under way', async () => {
      const { stdout } = await psql(
        local,
        "select count(*) from pg_stat_activity where query like 'SELECT pg_sleep%' and state = 'active'",
      );
      return (stdout === '1\n' && received > 50_000) || undefined;
    });
    await local.kill9();
    await Promise.all([sleeper.gone, done.gone, waiter.gone, dump.done]);
    await settled(asleep, ['deviated'], []);
    await settled(answering, ['deviated'], []);
    // All that it did is recorded: it kept its contract, and the next takes from it.
    await settled(answered, ['kept'], []);
    await settled(idle, [], []);
    const lost = (await sessions(local)).filter(({ run }) => run !== undefined);
    expect(lost.map(({ outcome }) => outcome?.reason)).toEqual(Array(4).fill('recovered'));
    for (const run of [asleep, answering]) expect(await verified(run)).toMatchObject({ findings: [] });
    const second = await open(answered, 'second');
    await second.client.query('SELECT 2 + 1');
    await second.client.end();
    await settled(answered, ['kept'], ['kept']);
    expect(await verified(answered)).toMatchObject({ verdict: 'verified', facts: { state: 'done' } });
    if (isLong) await goesOn(asleep, ['deviated']);
    await goesOn(idle, []);
  }, 120_000);

  it.each(DEATHS)(
    '%s',
    async (_name, what, executions) => {
      const run = await start();
      await failing(run, what, async ({ client, gone }) => {
        await expect(client.query(FEW)).rejects.toThrow(/Connection terminated/);
        await gone;
      });
      await settled(run, executions, []);
      await goesOn(run, executions);
    },
    120_000,
  );
});

it.each(isLong ? (['lost', 'persisted-but-errored', 'slow'] as const) : (['persisted-but-errored'] as const))(
  'a claim whose write is %s neither blocks its session nor doubles it',
  async (fault) => {
    const run = await start();
    await failing(run, { fault, sql: CLAIM }, async ({ client }) => {
      expect((await client.query(FEW)).rows).toHaveLength(3);
      await client.end();
    });
    await settled(run, ['kept'], []);
    expect(await verified(run)).toMatchObject({ verdict: 'verified', findings: [] });
  },
  60_000,
);
