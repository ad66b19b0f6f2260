/** Who comes as a task of a run, by psql through a gateway of `npm start`: what joins tasks to sessions, and what keeps them apart. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';
import { apiAs, connected, reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, type Ran, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { framesOf, sessions } from '#test/support/recorded.ts';

const FIND = `SELECT order_id, max(amount) AS amount FROM payments
  WHERE order_id NOT IN (SELECT order_id FROM refunds)
  GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 3`;
const COUNT = 'SELECT count(*) AS refunds, sum(amount) AS total FROM refunds';
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

interface SeenRun {
  readonly id: string;
  readonly tasks: readonly { readonly name: string; readonly state: string }[];
}

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
afterAll(() => local?.stop());

interface As {
  readonly person?: DemoRole;
  readonly database?: string;
  readonly more?: string;
}

/** psql as that task of that run. */
async function psqlAs(
  run: string,
  task: string,
  sql: string,
  { person = 'developer', database = 'orders-prod', more = '' }: As = {},
): Promise<Ran> {
  const environment = libpqEnvironment(local, await local.token(person), database);
  const PGOPTIONS = `-c custody.run=${run} -c custody.task=${task} ${more}`;
  return startClient('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1'], { ...environment, PGOPTIONS }, sql).done;
}

const start = async (): Promise<string> =>
  (await apiAs(local, 'developer').post<SeenRun>('/v1/runs', { workflow: 'refunds' })).id;

async function untilTask(run: string, task: string, state: string): Promise<void> {
  await eventually(`${task} ${state}`, async () => {
    const { tasks } = await apiAs(local, 'developer').get<SeenRun>(`/v1/runs/${run}`);
    return tasks.find(({ name }) => name === task)?.state === state || undefined;
  });
}

const openOf = (session: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(local.dataDir, 'store', 'sessions', session, 'open.json'), 'utf8')) as never;

const sessionsOf = async (run: string) =>
  (await sessions(local)).filter(({ run: of }) => of?.id === run).toReversed();

describe.skipIf(!hasClient('psql'))('psql as a task of a run', () => {
  it('is that task, once, in its turn; the open statement names run, task and trace', async () => {
    const run = await start();
    const early = await psqlAs(run, 'report', COUNT);
    expect(early.stderr).toMatch(/FATAL: {2}the task report comes after refund, which has not run yet/);
    const found = await psqlAs(run, 'find', FIND, { more: `-c custody.traceparent=${TRACE}` });
    expect([found.stderr, found.code]).toEqual(['', 0]);
    expect(found.stdout.trim().split('\n').length).toBeGreaterThan(0);
    const [session] = await sessionsOf(run);
    const { task, trace } = openOf(session!.id);
    expect([task, trace]).toEqual([
      { run, workflow: 'refunds', name: 'find', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      TRACE,
    ]);
    await untilTask(run, 'find', 'kept');
    const again = await psqlAs(run, 'find', FIND);
    expect(again.stderr).toContain('FATAL:  the task find ran as often as it may in one run: once');
    const pay = (values: string): string => `INSERT INTO refunds (order_id, amount) VALUES (${values});`;
    const stranger = await psqlAs(run, 'refund', pay('999999, 1'));
    expect(stranger.stderr).toContain('the contract has for pay-back.$1 a value from find.orders.order_id');
    // It never reached the database: the task did not begin.
    const rows = found.stdout.trim().replaceAll('|', ', ').split('\n');
    expect((await psqlAs(run, 'refund', rows.map(pay).join('\n'))).stderr).toBe('');
    await untilTask(run, 'refund', 'kept');
    expect((await psqlAs(run, 'report', COUNT)).stdout).toMatch(new RegExp(`^${rows.length}\\|`));
    await untilTask(run, 'report', 'kept');
  });

  it('is refused what the contract does not have: the session ends, recorded as one that deviated', async () => {
    const run = await start();
    const refused = await psqlAs(run, 'find', `SELECT 1;`);
    expect(refused.stderr).toMatch(/the contract has no such command/);
    expect(refused.stderr).toContain(`what you may do: paid-twice; see custody workflow show refunds`);
    const [session] = await sessionsOf(run);
    await eventually('its end', async () => (await sessionsOf(run))[0]!.outcome);
    expect((await sessionsOf(run))[0]!.outcome!.reason).toBe('deviated');
    const notes = (await framesOf(local, session!.id))
      .filter(({ stream }) => stream === 'note')
      .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as { note: string });
    expect(notes).toContainEqual(
      expect.objectContaining({ note: 'task-deviation', kind: 'not-in-contract', how: 'stopped' }),
    );
  });

  it('of two at once exactly one has the task (security case 13)', async () => {
    const run = await start();
    const both = await Promise.all([psqlAs(run, 'find', FIND), psqlAs(run, 'find', FIND)]);
    expect(both.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(both.find(({ code }) => code !== 0)!.stderr).toMatch(/the task find ran as often as it may/);
  });

  it('is nobody else, nowhere else, and of no run that there is not (security cases 13 and 14)', async () => {
    const run = await start();
    const unknown = run.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const none = (id: string): string => `there is no run ${id} of which you may run a task`;
    expect((await psqlAs(run, 'find', FIND, { person: 'auditor' })).stderr).toContain(none(run));
    expect((await psqlAs(unknown, 'find', FIND)).stderr).toContain(none(unknown));
    const elsewhere = await psqlAs(run, 'find', 'select 1', { database: 'orders-db' });
    expect(elsewhere.stderr).toContain('the task find is run at the target orders-prod');
    const half = await psqlAs(run, '', 'select 1', { database: 'orders-db' });
    expect(half.stderr).toContain('run and task are not named as they have to be');
    expect((await psqlAs(run, 'nothing', FIND)).stderr).toContain(
      'the workflow refunds has no task nothing that you may run',
    );
    expect(await sessionsOf(run)).toEqual([]);
  });

  it('ends when its run is ended, or its workflow changed, while it lives (security case 12)', async () => {
    const [ended, changed] = [await start(), await start()];
    const as = (run: string) => connected(local, 'orders-prod', `-c custody.run=${run} -c custody.task=find`);
    const [one, other] = await Promise.all([as(ended), as(changed)]);
    await Promise.all([one, other].map(({ client }) => client.query(FIND)));
    await apiAs(local, 'developer').post(`/v1/runs/${ended}/end`, {});
    expect((await one.gone).errors.join()).toContain(`the run ${ended} was ended`);
    await reconfigure(local, (text) =>
      text.replace('Finds orders with two payments', 'Finds orders paid twice'),
    );
    expect((await other.gone).errors.join()).toContain('the workflow refunds was changed');
    expect((await psqlAs(changed, 'find', FIND)).stderr).toContain(
      'the workflow refunds was changed since this run began',
    );
  });
});
