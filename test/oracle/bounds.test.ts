import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gist } from '../core/replay/support.ts';
import { shownOf } from './real.ts';
import { OracleServer } from './server.ts';

const { parse, bind, execute, sync, query } = serialize;
const server = new OracleServer();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.stop());

test('a megabyte of Syncs behind a query that sleeps', async () => {
  const syncs = Math.floor((1 << 20) / 5);
  const steps = await shownOf(server, [
    [syncs + 1, query('select pg_sleep(0.2)'), Buffer.concat(Array.from({ length: syncs }, () => sync()))],
    [1, query("select 'after'")],
  ]);
  expect(steps.map(gist)).toEqual([
    'query | completed | select pg_sleep(0.2) | SELECT 1 | 1',
    "query | completed | select 'after' | SELECT 1 | 1 | after",
  ]);
});

test('125,000 Bind and Execute under one Sync', async () => {
  const pair = Buffer.concat([bind({ values: ['v'] }), execute()]);
  const pairs = Buffer.concat(Array.from({ length: 125_000 }, () => pair));
  const steps = await shownOf(server, [
    [1, parse({ text: 'select $1::text' }), pairs, sync()],
    [1, query("select 'after'")],
  ]);
  const executed = steps.slice(0, -1);
  expect(executed).toHaveLength(125_000);
  expect(
    executed.every(
      ({ statement, rows }) => statement?.text === 'select $1::text' && rows?.[0]?.[0]?.text === 'v',
    ),
  ).toBe(true);
  expect(gist(steps.at(-1)!)).toBe("query | completed | select 'after' | SELECT 1 | 1 | after");
});
