import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSearch } from '#adapters/local/search/search.ts';
import { parseConfig } from '#core/access/config.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { Redactions } from '#core/replay/redact/redactions.ts';
import { addToSearch } from '#core/search/fill.ts';
import { searchHandler } from '#lambdas/search/handler.ts';
import { LocalSearching } from '#local/api/searching.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { type Answered, call, ISSUER, POLICY, type World, world } from './support.ts';

let folder: string;
let search: Awaited<ReturnType<typeof openSearch>>;
let ports: World;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'custody-search-'));
  search = await openSearch(join(folder, 'search.sqlite'));
  ports = world();
});
afterEach(async () => {
  await search.close();
  rmSync(folder, { recursive: true, force: true });
});

const query = (text: string): Said[] => [
  ['client', message(0x51, cstring(text))],
  ['target', server.columns(['n', 25]), server.row('7-secret'), server.tag('SELECT 1'), server.ready],
];

type Who = NonNullable<Parameters<typeof sessionRecord>[1]>;

/** A session as the recorder stores it, of these statements. */
async function recorded(n: number, who: Who, ...texts: readonly string[]): Promise<string> {
  const record = sessionRecord(n, who);
  await ports.catalog.opened(record);
  const recorder = new Recorder({
    sink: ports.source,
    signer: ports.keys,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  const frames = framesOf([...LOGIN, ...texts.flatMap(query)]).map(({ stream, ...frame }) => ({
    ...frame,
    tape: 1,
    stream: Stream[stream],
  }));
  await recorder.open(1, { ...opening(n), session: record.id }, 0);
  await recorder.commit(slabsOf(frames, 1));
  await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
  await ports.catalog.closed(record.id, OUTCOME);
  return record.id;
}

async function add(id: string, policy = POLICY): Promise<void> {
  const { source, signer, catalog, keys } = ports;
  await indexSession(id, { store: source, signer: keys });
  const filling = { search, source, signer, redactions: new Redactions() };
  expect(await addToSearch(await catalog.get(id), policy, filling)).toBe(true);
}

async function ask(
  token: string,
  asked: Record<string, string>,
  { policy = POLICY, pending = [] as readonly string[], path = '/v1/search', searched = search } = {},
): Promise<Answered> {
  const { catalog, leaves, now, log } = ports;
  const handler = searchHandler({
    ...{ search: searched, catalog, leaves, now, log, policy: () => policy },
    pending: async () => pending,
  });
  return call(handler, path, { token, query: asked });
}

const found = ({ body }: Answered): string[] =>
  (body['hits'] as { session: string; step: number }[]).map(({ session, step }) => `${session} ${step}`);

describe('GET /v1/search', () => {
  test('finds steps of recordings, newest session first', async () => {
    const one = await recorded(1, {}, 'select 1 from orders', 'delete from orders where id = 7');
    const two = await recorded(2, {}, 'select 2 from orders');
    await add(two);
    await add(one);
    const answer = await ask('dana', { text: 'from', limit: '2' });
    expect(found(answer)).toEqual([`${two} 2`, `${one} 2`]);
    expect(answer.body).toMatchObject({
      hits: [
        {
          target: 'orders-db',
          principal: { subject: 'dana' },
          matched: [{ field: 'text', excerpt: 'select 2 from orders' }],
        },
        {},
      ],
      next: `${one}/2`,
      pending: { count: 0, sessions: [] },
    });
    expect(found(await ask('dana', { text: 'from', cursor: `${one}/2` }))).toEqual([`${one} 3`]);
    const terms: Record<string, string>[] = [
      { relation: 'orders:written' },
      { statement: 'DELETE FROM orders WHERE id = 1' },
      { value: '7', writes: 'true' },
      { command: 'delete from' },
    ];
    for (const term of terms) expect(found(await ask('dana', term))).toEqual([`${one} 3`]);
    expect(found(await ask('dana', { value: '7-secret' }))).toHaveLength(3);
  });

  test('says from when on sessions were looked at, where it is not all of them', async () => {
    const since = Date.parse('2026-10-26T00:00:00.000Z');
    const searched = { ...search, searchedSince: () => since };
    for (const path of ['/v1/search', '/v1/search/sessions']) {
      const answer = await ask('dana', { text: 'from' }, { path, searched });
      expect(answer.body).toMatchObject({ searchedSince: '2026-10-26T00:00:00.000Z' });
      expect((await ask('dana', { text: 'from' }, { path })).body).not.toHaveProperty('searchedSince');
    }
  });

  test('lists sessions with counts', async () => {
    const one = await recorded(1, {}, 'select 1', 'select 2', 'drop table orders');
    await add(one);
    const answer = await ask('dana', { text: 'select' }, { path: '/v1/search/sessions' });
    expect(answer.body).toMatchObject({
      sessions: [
        { session: one, steps: 2, errors: 0, writes: 0, outcome: 'client-closed', first: { step: 2 } },
      ],
    });
  });

  test('security case 7: who may not replay a session finds nothing of it, and pages do not tell', async () => {
    const own = await recorded(1, { subject: 'dana' }, 'select 1');
    const others = await recorded(2, { subject: 'eve', email: 'eve@example.com' }, 'select 1');
    const payroll = await recorded(3, { subject: 'eve', target: 'payroll-db' }, 'select 1');
    for (const id of [own, others, payroll]) await add(id);
    expect(found(await ask('dana', { text: 'select' }))).toEqual([`${own} 2`]);
    expect(found(await ask('pat', { text: 'select' }))).toEqual([`${payroll} 2`]);
    expect(found(await ask('ada', { text: 'select' }))).toEqual(
      [payroll, others, own].map((id) => `${id} 2`),
    );
    // Who may end every session, and replay none of them.
    for (const token of ['olga', 'adm', 'vera', `dana@https://other`])
      expect((await ask(token, { text: 'select', limit: '1' })).body).toEqual({
        hits: [],
        pending: { count: 0, sessions: [] },
      });
    const listed = await ask('dana', { text: 'select' }, { path: '/v1/search/sessions' });
    expect(listed.body['sessions']).toHaveLength(1);
    const one = await ask('dana', { text: 'select', limit: '1' });
    expect(one.body['next']).toBeUndefined();
    for (const term of [{ session: others }, { target: 'payroll-db' }, { person: 'eve@example.com' }])
      expect((await ask('dana', { text: 'select', ...term })).body).toEqual(
        (await ask('dana', { text: 'nix' })).body,
      );
  });

  test('what is shown is in the ledger before, a leaf for each session', async () => {
    const one = await recorded(1, {}, 'select 1', 'select 2');
    const two = await recorded(2, {}, 'select 3');
    await add(one);
    await add(two);
    await ask('ada', { text: 'nothing' });
    expect(ports.leaves.added.size).toBe(0);
    await ask('ada', { text: 'select' });
    const leaf = { kind: 'recording-viewed', by: { issuer: ISSUER, subject: 'ada' } };
    expect([...ports.leaves.added].map((one) => JSON.parse(one) as object)).toMatchObject([
      { ...leaf, session: two, part: 'step 2, by a search' },
      { ...leaf, session: one, part: 'steps 2 3, by a search' },
    ]);
    ports.leaves.add = () => Promise.reject(new Error('the queue is away'));
    expect(await ask('ada', { text: 'select' })).toMatchObject({ status: 500 });
  });

  test('says which sessions are not in it yet, of those that the caller may replay', async () => {
    const own = await recorded(1, { subject: 'dana' }, 'select 1');
    const others = await recorded(2, { subject: 'eve' }, 'select 1');
    const pending = [others, own];
    const told = async (token: string, terms: Record<string, string>) =>
      (await ask(token, { text: 'select', ...terms }, { pending })).body['pending'];
    expect(await told('dana', {})).toEqual({ count: 1, sessions: [own] });
    expect(await told('ada', {})).toEqual({ count: 2, sessions: [others, own] });
    expect(await told('ada', { target: 'payroll-db' })).toEqual({ count: 0, sessions: [] });
  });

  test('what a target leaves out is found by nobody, and shown to nobody', async () => {
    const one = await recorded(1, {}, "select 'card 4111' from orders");
    const redacting = parseConfig(
      `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  orders-db:
    protocol: postgres
    address: orders-db.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }
    redact: { columns: [n], patterns: ['card \\d+'] }
rules:
  - { name: look, groups: [auditors], targets: ["*"], allow: [replay], sessions: any }
`,
      'custody.yaml',
    );
    await add(one);
    // Added before the rules were: it is not shown until it is added again.
    for (const term of [{ text: '4111' }, { text: 'from' }])
      expect((await ask('ada', term, { policy: redacting })).body['hits']).toEqual([]);
    await add(one, redacting);
    for (const term of [{ text: '4111' }, { text: 'secret' }, { value: '7-secret' }, { value: 'card 4111' }])
      expect([term, found(await ask('ada', term, { policy: redacting }))]).toEqual([term, []]);
    const answer = await ask('ada', { text: 'from' }, { policy: redacting });
    expect(found(answer)).toEqual([`${one} 2`]);
    expect(JSON.stringify(answer.body)).not.toMatch(/4111|secret/);
  });

  test.each<Record<string, string>>([
    { text: '' },
    { text: '"!"' },
    { text: 'x '.repeat(40) },
    { statement: 'select (' },
    { statement: 'select 1; select 2' },
    { statement: 'select 1', shape: 'a'.repeat(64) },
    { shape: 'x' },
    { limit: '0' },
    { limit: '100000' },
    { cursor: '../x' },
    { since: 'yesterday' },
    { outcome: 'well' },
    { errors: 'perhaps' },
    { unknown: 'x' },
  ])('refuses %j', async (asked) => {
    expect(await ask('ada', asked)).toMatchObject({ status: 400 });
  });

  test('hostile words are words', async () => {
    await add(await recorded(1, {}, 'select 1'));
    for (const text of ['" OR 1', "'; DROP TABLE steps --", 'a* NEAR(b)', 'marks : z', 'a\0b', '\ud800a'])
      expect(await ask('ada', { text })).toMatchObject({ status: 200, body: { hits: [] } });
  });
});

describe('the loop that fills it', () => {
  test('adds what is sealed, waits for what goes on, and begins anew where something else is left out', async () => {
    const one = await recorded(1, {}, 'select 1');
    const open = sessionRecord(2);
    await ports.catalog.opened(open);
    const { catalog, source, signer, now, keys } = ports;
    const made: string[] = [];
    const indexes = {
      wanted: async (session: string) => {
        const { state } = await indexSession(session, { store: source, signer: keys });
        if (state === 'made') made.push(session);
        return 'made' as const;
      },
    };
    let policy = POLICY;
    const said: string[] = [];
    const loop = new LocalSearching({
      ...{
        search,
        indexes,
        catalog,
        source,
        signer,
        now,
        redactions: new Redactions(),
        policy: () => policy,
      },
      say: (line) => void said.push(line),
    });
    expect(await loop.pending(10)).toEqual([open.id, one]);
    await loop.addAll();
    expect(await loop.pending(10)).toEqual([open.id]);
    expect(found(await ask('dana', { text: 'select' }))).toEqual([`${one} 2`]);
    const later = await recorded(3, {}, 'select 3');
    expect(await loop.pending(1)).toEqual([later]);
    await loop.addAll();
    expect(found(await ask('dana', { text: 'select' }))).toEqual([`${later} 2`, `${one} 2`]);
    const target = { ...POLICY.targets.get('orders-db')!, redact: { columns: [], patterns: ['select'] } };
    policy = { ...POLICY, targets: new Map([...POLICY.targets, ['orders-db', target]]) };
    expect(await loop.pending(10)).toEqual([later, open.id, one]);
    await loop.addAll();
    expect(found(await ask('dana', { text: 'select' }, { policy }))).toEqual([]);
    expect(said).toEqual([]);
    // Evidence is decoded once, whatever is made of it.
    expect(made).toEqual([one, later]);
    await loop.stop();
  });
});
