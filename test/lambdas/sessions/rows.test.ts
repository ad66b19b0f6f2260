import { describe, expect, it } from 'vitest';
import { LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { partsOf, query, type Recorded, recorded } from './support.ts';

const MANY = 2_345;
const RESULT: Said[] = [
  query('select n, t from numbers'),
  [
    'target',
    server.columns(['n', 23], ['t', 25]),
    ...Array.from({ length: MANY }, (_, at) =>
      server.row(String(at + 1), at % 7 === 0 ? null : `row ${at + 1}`),
    ),
    server.tag(`SELECT ${MANY}`),
    server.ready,
  ],
];
const SAID: readonly Said[] = [
  ...LOGIN,
  query('select 1'),
  ['target', server.columns(['n', 23]), server.row('7'), server.tag('SELECT 1'), server.ready],
  ...RESULT,
  query('begin'),
  ['target', server.tag('BEGIN'), server.ready],
];

/** In pieces, as a network brings it. */
function wideResult(value: string, count: number): Said[] {
  const pieces = Array.from({ length: count / 10 }, (): Said => {
    return ['target', ...Array.from({ length: 10 }, () => server.row(value))];
  });
  const [begin, end]: Said[] = [
    ['target', server.columns(['t', 25])],
    ['target', server.tag(`SELECT ${count}`), server.ready],
  ];
  return [query('select t'), begin!, ...pieces, end!];
}

interface Page {
  readonly total: number;
  readonly from: number;
  readonly rows: readonly (readonly ({ readonly text: string } | null)[])[];
}

async function page(there: Recorded, asked: Record<string, string>): Promise<Page> {
  const { status, body } = await there.ask('/steps/3/rows', asked);
  expect(status).toBe(200);
  return body as unknown as Page;
}

const first = ({ rows }: Page): (string | undefined)[] => rows.map(([value]) => value?.text);

describe('GET /v1/sessions/{id}/steps/{number}/rows', () => {
  it('gives every row of a result, of which its step has the first ones alone', async () => {
    const there = await recorded(SAID);
    const { body } = await there.ask('/steps', { from: '3', limit: '1' });
    const [step] = body['steps'] as { rows: unknown[]; rowCount: number; columns: unknown }[];
    expect([step!.rows.length, step!.rowCount]).toEqual([200, MANY]);
    const walked: (string | undefined)[] = [];
    while (walked.length < MANY)
      walked.push(...first(await page(there, { from: String(walked.length + 1), limit: '1000' })));
    expect(walked).toEqual(Array.from({ length: MANY }, (_, at) => String(at + 1)));
    const { rows, ...about } = await page(there, {});
    expect(rows).toEqual(step!.rows);
    expect(about).toEqual({
      ...{ session: there.id, step: 3, verdict: 'verified', columns: step!.columns },
      ...{ total: MANY, from: 1 },
    });
  });

  it('begins anywhere, says NULL, and has nothing behind the last one', async () => {
    const there = await recorded(SAID);
    const some = await page(there, { from: '2339', limit: '3' });
    expect(some.rows.map((row) => row.map((value) => value?.text ?? null))).toEqual([
      ['2339', null],
      ['2340', 'row 2340'],
      ['2341', 'row 2341'],
    ]);
    expect((await page(there, { from: '1', limit: '1' })).rows[0]![1]).toBeNull();
    expect(first(await page(there, { from: String(MANY), limit: '9' }))).toEqual([String(MANY)]);
    expect((await page(there, { from: String(MANY + 1) })).rows).toEqual([]);
  });

  it('reads the evidence once for all pages of a result', async () => {
    const there = await recorded(SAID);
    let reads = 0;
    const get = there.ports.source.get.bind(there.ports.source);
    there.ports.source.get = (name, ...more) => {
      if (name.endsWith('.seg')) reads += 1;
      return get(name, ...more);
    };
    await Promise.all([page(there, { from: '1' }), page(there, { from: '1000' })]);
    const once = reads;
    await page(there, { from: '2000' });
    expect([reads, once > 0]).toEqual([once, true]);
  });

  it('enters each look in the ledger by the rows that are looked at', async () => {
    const there = await recorded(SAID);
    await page(there, { from: '201', limit: '100' });
    expect(partsOf(there)).toEqual(['rows 201-300 of step 3']);
  });

  it.each([
    ['who may connect only', 'vera', 404],
    ['another developer', 'eve', 404],
    ['who may end sessions only', 'olga', 403],
  ])('is not for %s, also after others read it (security cases 7, 14)', async (_, who, status) => {
    const there = await recorded(SAID);
    await page(there, {});
    const answer = await there.ask('/steps/3/rows', {}, who);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).not.toContain('row ');
    expect(partsOf(there)).toHaveLength(1);
  });

  it.each([
    ['a step without a result', '/steps/1/rows', {}, 404],
    ['a step that there is not', '/steps/99/rows', {}, 404],
    ['more than a page has', '/steps/3/rows', { limit: '1001' }, 400],
    ['a row before the first', '/steps/3/rows', { from: '0' }, 400],
    ['what is no step', '/steps/0/rows', {}, 404],
  ])('has nothing for %s', async (_, path, asked, status) => {
    const there = await recorded(SAID);
    expect((await there.ask(path, asked)).status).toBe(status);
  });

  it('keeps a page small, however wide the rows are', async () => {
    const wide = 'x'.repeat(4_000);
    const there = await recorded([...LOGIN, ...wideResult(wide, 400)]);
    const { body } = await there.ask('/steps/2/rows', { limit: '1000' });
    const found = body as unknown as Page;
    expect(JSON.stringify(body).length).toBeLessThan(2 << 20);
    expect(found.rows.length).toBeLessThan(400);
    expect(found.rows.length).toBeGreaterThan(100);
  });

  it('of a session that goes on sends to its steps', async () => {
    const there = await recorded(SAID);
    for (const name of ['close.json', 'close.json.sig'])
      there.ports.source.objects.delete(`sessions/${there.id}/${name}`);
    expect(await there.ask('/steps/3/rows')).toMatchObject({
      status: 412,
      body: { code: 'precondition-failed', hint: expect.stringContaining('custody steps') },
    });
  });

  it('of a recording that no one call can read sends to the export', async () => {
    const there = await recorded(SAID);
    const get = there.ports.catalog.get.bind(there.ports.catalog);
    there.ports.catalog.get = async (id) => {
      const record = await get(id);
      return { ...record, outcome: { ...record.outcome!, bytes: 257 << 20 } };
    };
    expect(await there.ask('/steps/3/rows')).toMatchObject({
      status: 422,
      body: {
        code: 'unsupported',
        hint: `custody export ${there.id} --csv --step 3 reads all of it out of the evidence`,
      },
    });
  });

  it('says when the evidence was altered', async () => {
    const there = await recorded(SAID);
    const key = `sessions/${there.id}/close.json`;
    const close = Buffer.from(await there.ports.source.get(key));
    there.ports.source.objects.set(key, Buffer.from(close.toString().replace('client-closed', 'terminated')));
    expect((await there.ask('/steps/3/rows')).body).toMatchObject({ verdict: 'failed', total: MANY });
  });
});

describe('steps that are brief', () => {
  it('have everything but the rows, and so many of them fit a page', async () => {
    const there = await recorded([
      ...LOGIN,
      ...Array.from({ length: 20 }, () => wideResult('x'.repeat(3_000), 40)).flat(),
    ]);
    const long = await there.ask('/steps', { limit: '1000' });
    const brief = await there.ask('/steps', { limit: '1000', brief: 'true' });
    const [full, few] = [long, brief].map(({ body }) => body['steps'] as Record<string, unknown>[]);
    expect(few).toHaveLength(22);
    expect(full!.length).toBeLessThan(22);
    const { rows, ...rest } = full![1]!;
    expect(rows).toHaveLength(40);
    expect(few![1]).toEqual(rest);
  });
});
