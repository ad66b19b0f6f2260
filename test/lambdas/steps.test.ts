import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import type { Indexes } from '#lambdas/sessions/steps.ts';
import { framesOf, LOGIN, type Said, server, stepsOf } from '#test/core/replay/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves, MemoryStore } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { type Answered, call, MISSING, type World, world } from './support.ts';

const query = (text: string): Said => ['client', message(0x51, cstring(text))];
const one = (text: string): Said[] => [
  query(text),
  ['target', server.columns(['n', 23]), server.row('7'), server.tag('SELECT 1'), server.ready],
];
const SAID: readonly Said[] = [...LOGIN, ...one('select 1'), ...one('select 2'), ...one('select 3')];

interface Recorded {
  readonly ports: World;
  readonly id: string;
}

/** A session of dana's on orders-db, as the recorder stores it. `end`: it is over. */
async function recorded(said: readonly Said[] = SAID, end = true): Promise<Recorded> {
  const ports = world();
  const record = sessionRecord(3, { subject: 'dana', target: 'orders-db' });
  await ports.catalog.opened(record);
  const recorder = new Recorder({
    sink: ports.source,
    signer: ports.keys,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  const frames = framesOf(said).map(({ stream, ...frame }) => ({
    ...frame,
    tape: 1,
    stream: Stream[stream],
  }));
  await recorder.open(1, { ...opening(3), session: record.id }, 0);
  await recorder.commit(slabsOf(frames, 1));
  await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
  if (end) await ports.catalog.closed(record.id, OUTCOME);
  return { ports, id: record.id };
}

function withIndexes({ ports }: Recorded, wanted: Indexes['wanted']): World {
  return { ...ports, indexes: { wanted } };
}

async function steps(
  { ports, id }: Recorded,
  token = 'dana',
  asked: Record<string, string> = {},
): Promise<Answered> {
  return call(sessionsHandler(ports), `/v1/sessions/${id}/steps`, { token, query: asked });
}

const texts = ({ body }: Answered): (string | undefined)[] =>
  (body['steps'] as { kind: string; statement?: { text: string } }[]).map(
    ({ kind, statement }) => statement?.text ?? kind,
  );

describe('GET /v1/sessions/{id}/steps', () => {
  it('tells what was done, out of verified evidence', async () => {
    const there = await recorded();
    const answer = await steps(there);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        session: there.id,
        verdict: 'verified',
        findings: [],
        steps: [
          { kind: 'login', login: { user: 'dana', settings: { server_version: '15.4' } } },
          { kind: 'query', statement: { text: 'select 1' }, rows: [[{ text: '7' }]], rowCount: 1 },
          { kind: 'query', statement: { text: 'select 2' }, outcome: 'completed', tag: 'SELECT 1' },
          { kind: 'query', statement: { text: 'select 3' } },
          { kind: 'end' },
        ],
      },
    });
    expect(answer.body).not.toHaveProperty('next');
  });

  it('says what the decoder says, whatever was said, page by page', async () => {
    const all = await stepsOf(framesOf(SAID));
    const there = await recorded();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (limit) => {
        const walked: unknown[] = [];
        for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
          const { body } = await steps(there, 'dana', { limit: String(limit), cursor });
          const page = body['steps'] as unknown[];
          expect(page.length).toBeLessThanOrEqual(limit);
          walked.push(...page);
          const next = body['next'] as number | undefined;
          cursor = next?.toString();
        }
        expect(walked).toHaveLength(all.length);
        expect(walked.map((step) => (step as { kind: string }).kind)).toEqual(all.map(({ kind }) => kind));
      }),
      { numRuns: 6 },
    );
  });

  it('enters each reading in the ledger before it reads, by who it is (security cases 7, 14)', async () => {
    const there = await recorded();
    there.ports.source.list = () => Promise.reject(new Error('nothing is read'));
    await steps(there, 'ada');
    expect([...there.ports.leaves.added].map((leaf) => JSON.parse(leaf) as unknown)).toEqual([
      expect.objectContaining({
        ...{ kind: 'recording-viewed', session: there.id, by: expect.anything() },
        part: 'steps 1-200',
      }),
    ]);
  });

  it('shows nothing when its leaf cannot be entered', async () => {
    const there = await recorded();
    there.ports.leaves.add = () => Promise.reject(new Error('no ledger'));
    expect((await steps(there)).status).toBe(500);
  });

  it.each([
    ['who may connect only', 'vera', 404],
    ['somebody of another target', 'pat', 404],
    ['another developer', 'eve', 404],
    ['who may end sessions only', 'olga', 403],
  ])('is not for %s (security cases 7, 14)', async (_, who, status) => {
    const there = await recorded();
    const answer = await steps(there, who);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).not.toContain('select');
    expect(there.ports.leaves.added.size).toBe(0);
  });

  it('of a session that is not there is a 404', async () => {
    const { ports } = await recorded();
    expect((await steps({ ports, id: MISSING }, 'ada')).status).toBe(404);
  });

  it('says that the evidence was altered, and does not hide what can still be read', async () => {
    const there = await recorded();
    const key = `sessions/${there.id}/close.json`;
    const close = Buffer.from(await there.ports.source.get(key));
    there.ports.source.objects.set(key, Buffer.from(close.toString().replace('client-closed', 'terminated')));
    const { body } = await steps(there);
    expect(body).toMatchObject({
      verdict: 'failed',
      findings: [{ code: 'signature-invalid', object: 'close.json' }],
    });
    expect(texts({ body } as unknown as Answered)).toContain('select 2');
  });

  it('believes the deployment’s key alone, not one that stands beside the evidence', async () => {
    const there = await recorded();
    there.ports.source.objects.set(`sessions/${there.id}/signer.pem`, Buffer.from(world().keys.pem));
    // The other key changes nothing but that it is there, where no key belongs.
    const object = `sessions/${there.id}/signer.pem`;
    expect((await steps(there)).body).toMatchObject({
      verdict: 'failed',
      findings: [{ code: 'object-unlisted', object }],
    });
    there.ports.source.objects.delete(object);
    expect((await steps(there)).body).toMatchObject({ verdict: 'verified' });
    const other: Recorded = { ...there, ports: { ...there.ports, signer: world().signer } };
    expect((await steps(other)).body).toMatchObject({ verdict: 'failed' });
  });

  it('of a live session has no end yet', async () => {
    const there = await recorded(SAID, false);
    for (const name of ['close.json', 'close.json.sig'])
      there.ports.source.objects.delete(`sessions/${there.id}/${name}`);
    const answer = await steps(there);
    expect(answer.body).toMatchObject({ verdict: 'incomplete' });
    expect(texts(answer)).toEqual(['login', 'select 1', 'select 2', 'select 3']);
  });

  it('keeps a page small, however large the answers are', async () => {
    const big = 'x'.repeat(4_000);
    const rows = Array.from({ length: 40 }, () => server.row(big));
    const answer: Said = [
      'target',
      server.columns(['t', 25]),
      ...rows,
      server.tag('SELECT 40'),
      server.ready,
    ];
    const said = Array.from({ length: 40 }, (_, n): Said[] => [query(`select ${n}`), answer]).flat();
    const there = await recorded([...LOGIN, ...said]);
    const { body } = await steps(there, 'dana', { limit: '1000' });
    expect(JSON.stringify(body).length).toBeLessThan(2 << 20);
    expect(body['next']).toBeLessThan(41);
    expect(body['next']).toBeGreaterThan(1);
  });

  const LARGE: readonly [what: string, grow: (there: Recorded) => void][] = [
    [
      'is too large',
      ({ ports: { source } }) => {
        const sizes = source.sizes.bind(source);
        source.sizes = async (prefix) =>
          new Map(
            [...(await sizes(prefix)).keys()].map((name) => [name, name.endsWith('.seg') ? 33 << 20 : 1]),
          );
      },
    ],
    [
      'would decompress to too much',
      ({ ports: { catalog } }) => {
        const get = catalog.get.bind(catalog);
        catalog.get = async (id) => ({ ...(await get(id)), outcome: { ...OUTCOME, bytes: 257 << 20 } });
      },
    ],
  ];

  it.each(LARGE)(
    'of a recording that %s says that its index is being made, and when to ask again',
    async (_, grow) => {
      const there = await recorded();
      grow(there);
      const wanted: unknown[] = [];
      const later: Recorded = {
        ...there,
        ports: withIndexes(there, async (...asked) => (wanted.push(asked), 'later')),
      };
      expect(await steps(later)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '60' },
        body: { code: 'not-ready', hint: expect.stringContaining('ask again') },
      });
      expect(wanted).toEqual([[there.id, false]]);
    },
  );

  it.each(LARGE)('of a recording that %s reads the index that was made meanwhile', async (_, grow) => {
    const there = await recorded();
    grow(there);
    const made = async (id: string) => {
      await indexSession(id, { store: there.ports.source, signer: there.ports.keys });
      return 'made' as const;
    };
    const answer = await steps({ ...there, ports: withIndexes(there, made) });
    expect(texts(answer)).toEqual(['login', 'select 1', 'select 2', 'select 3', 'end']);
    expect(answer.body).toMatchObject({ verdict: 'verified', total: { steps: 5, errors: 0 } });
  });

  it('of a recording that is too large where nobody makes indexes sends to custody play', async () => {
    const there = await recorded();
    LARGE[0]![1](there);
    expect(await steps(there)).toMatchObject({
      status: 422,
      body: { code: 'unsupported', hint: expect.stringContaining('custody play') },
    });
  });

  it('of a recording that is longer than any that is indexed says what has no limit, and asks nobody', async () => {
    const there = await recorded();
    LARGE.at(-1)![1](there);
    const wanted: unknown[] = [];
    const ports = withIndexes(there, async (...asked) => (wanted.push(asked), 'later'));
    const answer = await steps({
      ...there,
      ports: { ...ports, indexes: { ...ports.indexes!, maxBytes: 1 } },
    });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'unsupported', hint: `custody pull ${there.id} --out FOLDER, then custody steps FOLDER` },
    });
    expect(wanted).toEqual([]);
  });

  it('says the same with an index and without', async () => {
    const there = await recorded();
    const before = await steps(there, 'dana', { from: '2', limit: '2' });
    await indexSession(there.id, { store: there.ports.source, signer: there.ports.keys });
    expect((await steps(there, 'dana', { from: '2', limit: '2' })).body).toEqual(before.body);
    expect(before.body).toMatchObject({
      steps: [{ number: 2 }, { number: 3 }],
      next: 3,
      previous: 1,
    });
  });

  it('does not believe an index that was altered, and has it made again', async () => {
    const there = await recorded();
    const { source, keys } = there.ports;
    await indexSession(there.id, { store: source, signer: keys });
    const key = [...source.objects.keys()].find((name) => name.includes('/chunk-'))!;
    source.objects.set(key, Buffer.from('something else'));
    const wanted: unknown[] = [];
    const ports = withIndexes(there, async (...asked) => (wanted.push(asked), 'later'));
    expect(texts(await steps({ ...there, ports }))).toContain('select 2');
    expect(wanted).toEqual([[there.id, true]]);
  });

  it('of a live session that is long shows its beginning, and says how far', async () => {
    const there = await recorded(SAID, false);
    for (const name of ['close.json', 'close.json.sig'])
      there.ports.source.objects.delete(`sessions/${there.id}/${name}`);
    const { objects } = there.ports.source;
    objects.set(`sessions/${there.id}/00000001.seg`, Buffer.from('it goes on'));
    const sizes = (prefix: string) => MemoryStore.prototype.sizes.call(there.ports.source, prefix);
    there.ports.source.sizes = async (prefix) =>
      new Map(
        [...(await sizes(prefix))].map(([name, size]) => [name, name.endsWith('.seg') ? 20 << 20 : size]),
      );
    const answer = await steps(there);
    expect(texts(answer)).toEqual(['login', 'select 1', 'select 2', 'select 3']);
    expect(answer.body).toMatchObject({
      verdict: 'incomplete',
      partial: expect.stringContaining('1 segments'),
    });
  });

  it.each([
    [{ from: '3' }, ['select 2', 'select 3', 'end'], 'steps 3-202'],
    [{ from: '3', limit: '1', search: 'true' }, ['select 2'], 'step 3, by a search'],
    [{ at: '0.009', limit: '1' }, ['select 2'], 'steps from at 0.009, next, at most 1'],
    [{ at: '-1%' }, ['end'], 'steps from at -1%, next, at most 200'],
    [{ direction: 'previous', limit: '2' }, ['select 3', 'end'], 'steps from the last, previous, at most 2'],
    [{ direction: 'previous', cursor: '3', limit: '2' }, ['select 1', 'select 2'], 'steps 2-3'],
    [{ kind: 'login' }, ['login'], 'steps from 1, next, kind login, at most 200'],
    [{ errors: 'true' }, [], 'steps from 1, next, errors, at most 200'],
  ])('takes %o', async (asked, expected, part) => {
    const there = await recorded();
    expect(texts(await steps(there, 'dana', asked as Record<string, string>))).toEqual(expected);
    expect([...there.ports.leaves.added].map((leaf) => (JSON.parse(leaf) as { part: string }).part)).toEqual([
      part,
    ]);
  });

  it('is for protocols that it knows', async () => {
    const there = await recorded();
    const get = there.ports.catalog.get.bind(there.ports.catalog);
    there.ports.catalog.get = async (id) => ({ ...(await get(id)), protocol: 'gopher' });
    expect(await steps(there)).toMatchObject({
      status: 422,
      body: { code: 'unsupported', hint: expect.stringContaining('custody play') },
    });
  });

  it.each([
    ['limit', '0'],
    ['limit', '1001'],
    ['cursor', '-1'],
    ['cursor', 'x'],
    ['page', '1'],
    ['from', '0'],
    ['at', 'noon'],
    ['at', '2026-99-99T00:00Z'],
    ['direction', 'up'],
    ['errors', 'yes'],
  ])('refuses %s=%s', async (name, value) => {
    expect((await steps(await recorded(), 'dana', { [name]: value })).status).toBe(400);
  });

  it('refuses two places at once', async () => {
    expect((await steps(await recorded(), 'dana', { cursor: '1', from: '2' })).status).toBe(400);
  });
});
