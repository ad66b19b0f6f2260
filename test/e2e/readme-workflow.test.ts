/** The walk of a minute of the README: the workflow refunds by a person, by an agent that acts for her, and by a job. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custody, type Ran } from '#test/cli/support.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

let local: LocalGateway;
let folder: string;
beforeAll(async () => {
  local = await startLocalGateway();
  folder = mkdtempSync(join(tmpdir(), 'custody-refunds-'));
});
afterAll(async () => {
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const demo = async (...args: string[]): Promise<string> =>
  (await custody(['demo', 'token', ...args, '--data-dir', local.dataDir])).stdout.trim();

async function as(token: string, args: readonly string[], more: Record<string, string> = {}): Promise<Ran> {
  const env = { CUSTODY_API: local.addresses.api, CUSTODY_HOME: join(folder, 'home'), CUSTODY_TOKEN: token };
  return custody(args, { env: { ...env, ...more } });
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly tasks: {
    readonly name: string;
    readonly state: string;
    readonly executions: { session: string }[];
  }[];
}
const shown = async (token: string, run: string): Promise<Shown> =>
  JSON.parse((await as(token, ['run', 'show', run, '--json'])).stdout) as Shown;
const started = async (token: string): Promise<string> =>
  (JSON.parse((await as(token, ['run', 'start', 'refunds', '--json'])).stdout) as Shown).id;

const FIND = `SELECT order_id, max(amount) AS amount FROM payments
  WHERE order_id NOT IN (SELECT order_id FROM refunds) -- in other lines, with a comment
  GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 3`;

describe('the workflow of the demo', () => {
  it('is run by a person, and what leaves a contract is stopped', async () => {
    const dana = await demo('dana');
    const start = await as(dana, ['run', 'start', 'refunds']);
    expect(start.stdout).toMatch(/○ {2}find +ready[^]*·  refund +waiting[^]*after find/);
    const find = await as(dana, ['run', 'exec', 'refunds', 'find']);
    expect([find.code, find.stderr]).toEqual([0, expect.stringContaining('find: kept its contract')]);
    expect(find.stdout).toMatch(/^paid-twice\norder_id +amount\n4 /);

    const insert = 'INSERT INTO refunds (order_id, amount) VALUES (5, 10.00)';
    const psql = await as(dana, ['run', 'task', 'refunds', 'refund', '--', 'psql', '-X', '-c', insert]);
    expect(psql.code).toBe(2);
    expect(psql.stderr).toContain('the contract has for pay-back.$1 a value from find.orders.order_id');
    expect(psql.stderr).toContain('refund: stopped before it began (origin): custody play ');
  });

  it('pays back what was found, counts it, and shows all of it', async () => {
    const dana = await demo('dana');
    const all = await as(dana, ['run', 'exec', 'refunds', 'refund']);
    expect([all.code, all.stderr]).toEqual([
      1,
      expect.stringContaining('find.orders has 3 rows for pay-back'),
    ]);
    const refund = await as(dana, ['run', 'exec', 'refunds', 'refund', '--each']);
    expect([refund.code, refund.stdout.match(/1 row changed/g)]).toMatchObject([0, { length: 3 }]);
    const report = await as(dana, ['run', 'exec', 'refunds', 'report', '--json']);
    const { commands, execution } = JSON.parse(report.stdout) as {
      commands: unknown[];
      execution: { verdict: string };
    };
    expect(commands).toMatchObject([{ command: 'count', rows: [['3', '1965.30']] }]);
    expect(execution.verdict).toBe('kept');

    const show = await as(dana, ['run', 'show', 'refunds', '--wait', '1s']);
    expect([show.code, show.stdout.match(/✓/g)]).toMatchObject([0, { length: 3 }]);
    expect(show.stdout).toMatch(/left the contract:\n {2}refund {2}stopped: origin {2}custody play /);
  });

  it('is run by an agent with a token of its own, which it sees in files alone', async () => {
    const dana = await demo('dana');
    const run = await started(dana);
    const script = join(folder, 'agent.sh');
    writeFileSync(
      script,
      `echo "user $PGUSER password [$PGPASSWORD] ours [$CUSTODY_TOKEN]"; cat "$CUSTODY_TASK"
psql -X -At -c "$1"; psql -X -c 'SELECT 1'; exit 7\n`,
    );
    const actor = ['--demo-actor', 'agent-7', '--data-dir', local.dataDir];
    const agent = ['agent', '--run', run, '--task', 'find', ...actor, '--', 'bash', script, FIND];
    const ran = await as(dana, agent, { TMPDIR: folder, XDG_RUNTIME_DIR: '' });
    expect(ran.code).toBe(7);
    expect(ran.stdout).toContain('user dana@example.com password [] ours []');
    expect(ran.stdout).toMatch(
      /You work as the task `find`[^]*paid-twice: once; brings 1 to 3 rows[^]*```json/,
    );
    expect(ran.stdout).toMatch(/^\d+\|\d+\.\d\d$/m);
    expect(ran.stderr).toContain('the task find ran as often as it may in one run: once');
    expect(readdirSync(folder).filter((name) => name.startsWith('custody-agent-'))).toEqual([]);
    const waited = await as(dana, ['run', 'exec', run, 'find']);
    expect(waited.stderr).toContain('the task find ran as often as it may');
    const { tasks } = await shown(dana, run);
    expect(tasks[0]).toMatchObject({ name: 'find', state: 'kept' });
    const play = await as(dana, ['sessions', '--json', '--limit', '1', '--person', 'agent-7']);
    expect(play.stdout).toContain(tasks[0]!.executions[0]!.session);
  });

  it('security case 12: a token for one task opens nothing else, and gives an agent no more', async () => {
    const dana = await demo('dana');
    const [run, other] = [await started(dana), await started(dana)];
    const bound = await demo('dana', '--actor', 'agent-7', '--run', run, '--task', 'find');
    for (const args of [
      ['run', 'show', other],
      ['run', 'start', 'refunds'],
      ['run', 'end', run],
      ['connect', 'orders-db', '--', 'psql', '-X', '-c', 'SELECT 1'],
      ['run', 'exec', run, 'refund', '--value', '$1=4', '--value', '$2=1'],
    ])
      expect([args, (await as(bound, args)).code]).not.toEqual([args, 0]);
    expect((await as(bound, ['run', 'exec', run, 'find'])).stderr).toContain('find: kept its contract');
    const own = await as(dana, ['agent', '--run', run, '--task', 'refund', '--', 'true']);
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('your own token')]);
  });

  it('is run by a job with a machine identity', async () => {
    const job = await demo('--workload', 'deploy');
    const run = await started(job);
    expect((await as(job, ['run', 'exec', run, 'find'])).code).toBe(0);
    expect((await shown(job, run)).tasks.map(({ state }) => state)).toEqual(['kept', 'ready', 'waiting']);
    const branch = await demo('--workload', 'deploy', '--ref', 'refs/heads/other');
    expect((await as(branch, ['run', 'show', run])).code).toBe(1);
    const ended = await as(job, ['run', 'end', run, '--comment', 'enough', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'ended', ended: { comment: 'enough' } });
    const late = await as(job, ['run', 'exec', run, 'refund', '--each']);
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('start a new run')]);
  });
});
