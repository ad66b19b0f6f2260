import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summaryLines } from '#core/replay/summary/lines.ts';
import { summarySchema } from '#core/replay/summary/summary.ts';
import { type Done, summaryOf } from './support.ts';

const name = fc.constantFrom('orders', 'refunds', 'audit.log', 'payments');
const done: fc.Arbitrary<Done> = fc.record({
  facts: fc.record({
    isError: fc.boolean(),
    isWrite: fc.boolean(),
    shape: fc.constantFrom('aa', 'bb', 'cc'),
    relations: fc.array(fc.record({ name, how: fc.constantFrom('read' as const, 'written' as const) }), {
      maxLength: 3,
    }),
    codes: fc.array(fc.constantFrom('42601', '23505', 'exit 1'), { maxLength: 2 }),
    rows: fc.record({ out: fc.nat(1000), written: fc.nat(10) }),
    bytes: fc.record({ sent: fc.nat(100), received: fc.nat(100) }),
  }),
  step: fc.record({ took: fc.nat(5000) }),
});

/** Step numbers, from 1, of those that something is true of. */
function stepsWhere(all: readonly Done[], is: (one: Done) => boolean): number[] {
  return all.flatMap((one, at) => (is(one) ? [at + 1] : []));
}

describe('a summary', () => {
  it('counts what a naive look over the steps counts, and names the first step of each', () => {
    fc.assert(
      fc.property(fc.array(done, { maxLength: 30 }), (all) => {
        const summary = summaryOf(all);
        const errors = stepsWhere(all, ({ facts }) => facts!.isError!);
        expect(summary.errors.count).toBe(errors.length);
        expect(summary.errors.step).toBe(errors[0]);
        expect(summary.writes.count).toBe(all.filter(({ facts }) => facts!.isWrite).length);
        expect(summary.rows.out).toBe(all.reduce((sum, { facts }) => sum + facts!.rows!.out, 0));
        for (const { name: relation, written, read, failed, step } of summary.relations) {
          const touches = (how: string, isError: boolean) =>
            all.flatMap(({ facts }) =>
              facts!.relations!.filter(
                (one) => one.name === relation && facts!.isError === isError && (isError || one.how === how),
              ),
            );
          expect([read, written, failed]).toEqual([
            touches('read', false).length,
            touches('written', false).length,
            touches('', true).length,
          ]);
          expect(step).toBe(
            stepsWhere(all, ({ facts }) => facts!.relations!.some((one) => one.name === relation))[0],
          );
        }
        const codes = new Set(all.flatMap(({ facts }) => (facts!.isError ? facts!.codes! : [])));
        expect(new Set(summary.errors.codes.map(({ code }) => code))).toEqual(codes);
        const slowest = Math.max(0, ...all.map(({ step }) => step!.took!));
        expect(summary.slowest?.took ?? 0).toBe(slowest);
        expect(summarySchema.parse(summary)).toEqual(summary);
      }),
    );
  });

  it('says whose session it is, and leaves the port out of where it came from', () => {
    expect(summaryOf([])).toMatchObject({
      person: 'dana@example.com',
      target: 'orders-db',
      client: { address: '10.0.0.7', application: 'psql' },
      endedAt: '2026-11-23T10:05:00.000Z',
      reason: 'client-closed',
    });
  });

  it('keeps so many names, and counts the others once each', () => {
    const all = Array.from({ length: 2_500 }, (_, at) => ({
      facts: { relations: [{ name: `t${at % 1_250}`, how: 'read' as const }] },
    }));
    const { relations, leftOut } = summaryOf(all);
    expect(relations).toHaveLength(1_000);
    expect(leftOut.relations).toBe(250);
    expect(relations.every(({ read }) => read === 2)).toBe(true);
  });

  it('does not count as written what failed, nor a note as an error', () => {
    const relations = [{ name: 'refunds', how: 'written' as const }];
    const all = [
      { facts: { codes: ['ssh-login'] } },
      { facts: { isError: true, codes: ['23514'], relations } },
    ];
    const summary = summaryOf(all);
    expect(summary.relations).toEqual([{ name: 'refunds', read: 0, written: 0, failed: 1, step: 2 }]);
    expect(summaryLines(summary).map(({ text }) => text)).toEqual([
      '2 steps, 0 bytes sent, 0 received',
      '0 writes, 0 rows written',
      '0 rows out',
      '1 error',
      'refunds: failed once',
      'error 23514: once',
    ]);
  });

  it('tells deviations with what became of them', () => {
    const note = { note: 'task-deviation', kind: 'value', how: 'stopped', expected: 'a', seen: 'b' };
    const all = [{}, { step: { kind: 'note', note } }];
    expect(summaryOf(all).deviations).toEqual([{ kind: 'value', how: 'stopped', step: 2 }]);
  });
});
