/** What happened at the gateway of the pictures: people who asked, were let in, and did what people do. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { untilProved } from '#test/console/browser/evidence.ts';
import { asDana } from '#test/console/browser/runs-support.ts';
import { Tmux } from '#test/console/browser/tmux.ts';
import { apiAs, granted, reconfigure, type SeenRequest } from '#test/support/access-story.ts';
import { eventually } from '#test/support/clients.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, sessions } from '#test/support/recorded.ts';
import { recordedPsql } from '#test/support/recorded-psql.ts';

const WORK = `select id, name, email, city, since from customers order by id limit 40;
select o.id, c.name, o.status, p.amount, p.paid_at
  from orders o join customers c on c.id = o.customer_id join payments p on p.order_id = o.id
 order by o.id limit 25;
select count(*) from ordres;
begin;
update products set stock = stock - 1 where id = 3;
commit;
select status, count(*) as orders from orders group by status order by status;
`;
const EXACT = [
  "update orders set status = 'shipped'\n where id = 7 and status = 'paid'",
  'select id, status, placed_at\n  from orders\n where id = 7',
];
const CUSTODY = fileURLToPath(new URL('../../../cli/custody.mjs', import.meta.url));
const SCREEN = { columns: 100, rows: 21 };

export interface Story {
  /** A request of exact commands, which waits. */
  readonly request: string;
  /** Of psql, and of ssh. */
  readonly session: string;
  readonly terminal: string;
  readonly run: string;
}

/** `hasTerminal`: somebody was at a shell as well. */
export async function story(gateway: LocalGateway, hasTerminal: boolean): Promise<Story> {
  await reconfigure(gateway, (text) => text.replace('# statements: exact', 'statements: exact'));
  const session = await recordedPsql(gateway, WORK);
  const run = await refunds(gateway);
  const terminal = hasTerminal ? await atWeb1(gateway) : '';
  await untilSearched(gateway);
  await untilProved(gateway, session);
  return { session, run, terminal, request: await requests(gateway) };
}

/** One is over, one is granted, two wait. */
async function requests(gateway: LocalGateway): Promise<string> {
  const dana = apiAs(gateway, 'developer');
  const ask = (reason: string, ticket: string, statements: readonly string[]) =>
    dana.post<SeenRequest>('/v1/requests', { target: 'orders-prod', reason, ticket, statements });
  const refused = await ask('all customers, for a mailing', 'MKT-12', ['select email from customers']);
  const words = 'the newsletter has its own copy of these addresses';
  await apiAs(gateway, 'reviewer').post(`/v1/requests/${refused.id}/decisions`, {
    decision: 'denied',
    comment: words,
  });
  await granted(gateway, { reason: 'late orders of last week', ticket: 'OPS-198', statements: [EXACT[1]] });
  await ask('who waits for order 12', 'OPS-203', ['select * from orders where id = 12']);
  const { id } = await ask('order 7 is stuck between paid and shipped', 'OPS-204', EXACT);
  await apiAs(gateway, 'reviewer-2').post(`/v1/requests/${id}/decisions`, {
    decision: 'approved',
    comment: 'seen the ticket; one row',
  });
  return id;
}

/** The demo's workflow: found, paid back, reported. */
async function refunds(gateway: LocalGateway): Promise<string> {
  const body = { workflow: 'refunds', inputs: {} };
  const { id } = await apiAs(gateway, 'developer').post<{ id: string }>('/v1/runs', body);
  for (const task of [['find'], ['refund', '--each'], ['report']]) {
    const { code, stderr } = await asDana(gateway, 'run', 'exec', id, ...task);
    if (code !== 0) throw new Error(stderr);
  }
  return id;
}

/** Somebody at the shell of a server. */
async function atWeb1(gateway: LocalGateway): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'custody-pictures-'));
  const before = new Set((await sessions(gateway)).map(({ id }) => id));
  const env = await gateway.cliEnvironment('developer', join(home, 'developer'));
  const shell = "PS1='web-1:~$ ' exec bash --norc";
  const tmux = new Tmux(
    [CUSTODY, 'connect', 'web-1', '--', 'ssh', '-t', shell],
    { HOME: home, ...env },
    SCREEN,
  );
  try {
    await tmux.until(/\$$/m);
    for (const line of ['clear', 'uname -sr; id -un', 'ls --color=always -l /usr', 'df -h /; free -m']) {
      tmux.type(line);
      tmux.keys('Enter');
      await tmux.still();
    }
    tmux.type('exit');
    tmux.keys('Enter');
    await tmux.ended();
    return (await lastSession(gateway, before)).id;
  } finally {
    tmux.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

async function untilSearched(gateway: LocalGateway): Promise<void> {
  await eventually('the search to have it', async () => {
    const { hits } = await apiAs(gateway, 'auditor').get<{ hits: unknown[] }>('/v1/search?text=customers');
    return hits.length > 0 ? true : undefined;
  });
}
