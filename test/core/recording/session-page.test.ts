import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SessionQuery, SessionRecord } from '#core/recording/session-index.ts';
import { mergePages, takePage } from '#core/recording/session-page.ts';
import { sessionRecord } from '#test/support/session-records.ts';

const TARGETS = ['a', 'b', 'c'];

/** Pages of several targets as one, while each query looks at a few sessions only. */
async function walk(all: readonly SessionRecord[], query: SessionQuery, examine: number): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const before = cursor ?? 'g';
    const pages = TARGETS.map((target) => {
      const held = all.filter((session) => session.target === target && session.id < before);
      return takePage(held, query, examine);
    });
    const page = mergePages(await Promise.all(pages), query.limit);
    expect(page.sessions.length).toBeLessThanOrEqual(query.limit);
    ids.push(...page.sessions.map(({ id }) => id));
    expect((page.next ?? '') < before).toBe(true);
    cursor = page.next;
  } while (cursor !== undefined);
  return ids;
}

it('several queries that each look at few give all that they find, once, newest first', async () => {
  const session = fc.record({ target: fc.constantFrom(...TARGETS), subject: fc.constantFrom('dana', 'eve') });
  await fc.assert(
    fc.asyncProperty(
      fc.array(session, { maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(undefined, 'dana', 'eve'),
      async (made, limit, examine, person) => {
        const all = made.map((who, n) => ({ ...sessionRecord(n, who), state: 'open' as const })).reverse();
        const asked = all.filter(({ principal }) => person === undefined || principal.subject === person);
        const query = { limit, ...(person === undefined ? {} : { person }) };
        expect(await walk(all, query, examine)).toEqual(asked.map(({ id }) => id));
      },
    ),
  );
});
