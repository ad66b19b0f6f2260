import { describe, expect, it } from 'vitest';
import { summaryLines } from '#core/replay/summary/lines.ts';
import { unusual } from '#core/replay/summary/unusual.ts';
import { type Done, OPEN, summaryOf } from './support.ts';

const reads = (table: string, out = 1): Done => ({
  facts: { shape: 'aa', relations: [{ name: table, how: 'read' }], rows: { out, written: 0 } },
});
const writes = (table: string): Done => ({
  facts: {
    isWrite: true,
    shape: 'bb',
    relations: [{ name: table, how: 'written' }],
    rows: { out: 0, written: 1 },
  },
});
const earlier = [1, 2, 3].map((rows) => summaryOf([reads('orders', rows)]));
const texts = (lines: ReturnType<typeof unusual>) => lines.map(({ text, step }) => `${text} @${step ?? ''}`);

describe('what was unusual', () => {
  it('is nothing where it was as before', () => {
    expect(unusual(summaryOf([reads('orders', 2)]), earlier)).toEqual([]);
  });

  it('is that there was no session before', () => {
    expect(texts(unusual(summaryOf([]), []))).toEqual([
      'the first session of dana@example.com at orders-db that is known @',
    ]);
  });

  it('is a table that was not written before, with the step', () => {
    const now = summaryOf([reads('orders'), writes('refunds'), writes('payments')]);
    expect(texts(unusual(now, earlier))).toEqual([
      'written and not in the 3 sessions before: relations payments, refunds @2',
      '1 of 2 kinds of commands: not in the 3 sessions before @2',
      '2 rows written: at most 0 in the 3 sessions before @2',
      '2 writes: at most 0 in the 3 sessions before @2',
    ]);
  });

  it('is more rows than ever, and an error that did not come before', () => {
    const failed: Done = { facts: { isError: true, codes: ['42501'] } };
    expect(texts(unusual(summaryOf([failed, reads('orders', 4_000)]), earlier))).toEqual([
      '42501, once: not in the 3 sessions before @1',
      '4000 rows out: at most 3 in the 3 sessions before @2',
      '1 errors: at most 0 in the 3 sessions before @1',
    ]);
  });

  it('is another place, another program and another hour', () => {
    const now = summaryOf([], {
      startedAt: '2026-11-24T23:00:00.000Z',
      client: { address: '192.0.2.9:1', application: 'pg_dump' },
    });
    expect(texts(unusual(now, earlier))).toEqual([
      'from 192.0.2.9: not in the 3 sessions before @',
      'by pg_dump: not in the 3 sessions before @',
      'began at 23 h UTC: none in the 3 sessions before began within an hour of that @',
    ]);
  });

  it('counts hours around midnight', () => {
    const late = [1, 2, 3].map(() => summaryOf([], { startedAt: '2026-11-22T23:59:00.000Z' }));
    expect(unusual(summaryOf([], { startedAt: '2026-11-24T00:10:00.000Z' }), late)).toEqual([]);
  });

  it('does not call much what few sessions were less than', () => {
    expect(unusual(summaryOf([reads('orders', 4_000)]), earlier.slice(0, 2))).toEqual([]);
  });
});

describe('lines of a summary', () => {
  it('each name the step that they rest on', () => {
    const summary = summaryOf([reads('orders', 7), writes('refunds')], {
      grant: { rule: 'ask', request: OPEN.session },
    });
    expect(texts(summaryLines(summary))).toEqual([
      '2 steps, 0 bytes sent, 0 received @',
      `approved by request ${OPEN.session} under ask @`,
      '1 write, 1 row written @2',
      '7 rows out, at most 7 in one step @1',
      '0 errors @',
      'orders: read once @1',
      'refunds: written once @2',
    ]);
  });
});
