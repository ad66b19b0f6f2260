import { expect, test } from 'vitest';
import { NOTHING_MORE } from '#core/replay/rerun/may-differ.ts';
import { compareRows } from '#core/replay/rerun/postgres/compare-rows.ts';
import { Flows } from '#core/replay/rerun/postgres/flows.ts';
import { Found } from '#core/replay/rerun/postgres/found.ts';
import { NOT_UNDERSTOOD } from '#core/replay/rerun/postgres/meaning.ts';
import type { RowsSummary } from '#core/replay/rerun/postgres/rows.ts';
import type { Answered } from '#core/replay/rerun/postgres/side.ts';

const MOMENT = { from: 0, to: 1 };
const RULES = { ...NOTHING_MORE, moments: { recorded: MOMENT, rerun: MOMENT }, flows: new Flows() };

/** Two million rows, of which those with a mark are equal. */
function rows(end: string): RowsSummary {
  return {
    count: 2_000_000,
    kept: [],
    marks: [],
    ordered: end,
    sum: BigInt(end.length),
    beyond: end,
    free: () => undefined,
  };
}

function answered(more: Partial<Answered>): Answered {
  const step = { kind: 'query', outcome: 'completed' } as Answered['step'];
  return { key: '1.1', number: 2, step, meaning: NOT_UNDERSTOOD, isOfGateway: false, settings: [], ...more };
}

test.each([true, false])(
  'a difference beyond the last row that has a mark is told, ordered: %s',
  (isOrdered) => {
    const meaning = { ...NOT_UNDERSTOOD, isOrdered };
    for (const kind of ['rows', 'copied'] as const) {
      const found = new Found(2, undefined);
      compareRows(
        answered({ meaning, [kind]: rows('a') }),
        answered({ meaning, [kind]: rows('bb') }),
        RULES,
        found,
      );
      expect(found.differences, kind).toMatchObject([
        {
          step: 2,
          kind: kind === 'rows' ? 'row' : 'copy',
          row: 1_048_577,
          rerun: 'rows 1048577 to 2000000, one or more of which differ',
        },
      ]);
    }
  },
);
