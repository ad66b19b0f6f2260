import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowestIdAt } from '#core/recording/session-id.ts';
import type { SessionCatalog, SessionIndex, SessionQuery } from '#core/recording/session-index.ts';
import { OUTCOME, sessionRecord, sessionTime } from '#test/support/session-records.ts';
import type { Given } from './given.ts';

type Index = SessionIndex & SessionCatalog;

/** Every id that the pages of a query list, in order; `between` runs between two pages. */
export async function walk(
  index: SessionCatalog,
  query: SessionQuery,
  between: () => Promise<void> = async () => undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await index.list(cursor === undefined ? query : { ...query, cursor });
    expect(page.sessions.length).toBeLessThanOrEqual(query.limit);
    ids.push(...page.sessions.map(({ id }) => id));
    expect((page.next ?? '') < (cursor ?? query.cursor ?? 'g')).toBe(true);
    cursor = page.next;
    if (ids.length > 10_000) throw new Error('the pages do not end');
    await between();
  } while (cursor !== undefined);
  return ids;
}

interface Who {
  readonly subject: string;
  readonly target: string;
}

/** What `list` promises, said another way. */
function expected(
  made: readonly Who[],
  { target, subject, person, from, cursor }: Partial<SessionQuery>,
): string[] {
  const asked = made
    .map((who, n) => ({ ...who, id: sessionRecord(n).id }))
    .filter(
      (session) =>
        (target === undefined || session.target === target) &&
        (subject === undefined || session.subject === subject.subject) &&
        (person === undefined || session.subject === person || person === 'dana@example.com') &&
        (from === undefined || session.id >= from) &&
        (cursor === undefined || session.id < cursor),
    );
  return asked.map(({ id }) => id).reverse();
}

/** The promises of SessionIndex and SessionCatalog, for every adapter. `make` gives an empty index, once for each run of a property. */
export function sessionIndexContract(name: string, make: () => Given<Index>, runs = 40): void {
  describe(`session index contract: ${name}`, () => {
    it('lists a session as open, then with its outcome', async () => {
      const index = await make();
      const record = sessionRecord(1);
      await index.opened(record);
      expect(await index.get(record.id)).toEqual({ ...record, state: 'open' });
      await index.closed(record.id, OUTCOME);
      expect(await index.get(record.id)).toEqual({ ...record, state: 'closed', outcome: OUTCOME });
    });

    it('knows of which run a session is a task, and lists those of one run', async () => {
      const index = await make();
      const run = { id: sessionRecord(0).id, workflow: 'refunds', task: 'find' };
      const other = { ...run, id: sessionRecord(99).id };
      await index.opened({ ...sessionRecord(1), run });
      await index.opened({ ...sessionRecord(2), run: other });
      await index.opened(sessionRecord(3));
      await index.opened({ ...sessionRecord(4), run });
      expect((await index.get(sessionRecord(1).id)).run).toEqual(run);
      expect(await walk(index, { limit: 10, run: run.id })).toEqual([
        sessionRecord(4).id,
        sessionRecord(1).id,
      ]);
    });

    it('shows a recovered session as one', async () => {
      const index = await make();
      await index.opened(sessionRecord(1));
      await index.closed(sessionRecord(1).id, { ...OUTCOME, recovered: true });
      expect((await index.get(sessionRecord(1).id)).state).toBe('recovered');
    });

    it('takes no id twice, and leaves the first as it was (security cases 13, 20)', async () => {
      const index = await make();
      await index.opened(sessionRecord(1));
      const again = index.opened(sessionRecord(1, { subject: 'eve' }));
      await expect(again).rejects.toMatchObject({ code: 'already-exists' });
      expect((await index.get(sessionRecord(1).id)).principal.subject).toBe('dana');
    });

    it('keeps the first outcome', async () => {
      const index = await make();
      await index.opened(sessionRecord(1));
      await index.closed(sessionRecord(1).id, OUTCOME);
      await index.closed(sessionRecord(1).id, { ...OUTCOME, reason: 'terminated' });
      expect((await index.get(sessionRecord(1).id)).outcome).toEqual(OUTCOME);
    });

    it('rejects with not-found for what it does not know', async () => {
      const index = await make();
      await expect(index.get('nope')).rejects.toMatchObject({ code: 'not-found' });
      await expect(index.get("' OR 1=1 --")).rejects.toMatchObject({ code: 'not-found' });
      await expect(index.closed('nope', OUTCOME)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('tells which sessions have no outcome, oldest first', async () => {
      const index = await make();
      for (const n of [3, 1, 2, 4]) await index.opened(sessionRecord(n));
      await index.closed(sessionRecord(2).id, OUTCOME);
      expect((await index.unsealed()).map(({ id }) => id)).toEqual([1, 3, 4].map((n) => sessionRecord(n).id));
    });

    it('lists newest first, and filters by target and by who (security cases 7, 14)', async () => {
      const index = await make();
      await index.opened(sessionRecord(1));
      await index.opened(sessionRecord(2, { target: 'payroll-db' }));
      await index.opened(sessionRecord(3, { subject: 'eve' }));
      await index.opened(sessionRecord(4, { issuer: 'https://other' }));
      const listed = async (query: Partial<SessionQuery>): Promise<number[]> => {
        const ids = await walk(index, { limit: 10, ...query });
        return ids.map((id) => [1, 2, 3, 4].find((n) => sessionRecord(n).id === id)!);
      };
      const dana = { issuer: 'https://id.example', subject: 'dana' };
      expect(await listed({})).toEqual([4, 3, 2, 1]);
      expect(await listed({ target: 'orders-db' })).toEqual([4, 3, 1]);
      expect(await listed({ subject: dana })).toEqual([2, 1]);
      expect(await listed({ subject: dana, target: 'orders-db' })).toEqual([1]);
      expect(await listed({ target: '%' })).toEqual([]);
    });

    it('lists the sessions whose grant somebody approved, and nobody else’s (security cases 7, 14)', async () => {
      const index = await make();
      const olga = { issuer: 'https://id.example', subject: 'olga', email: 'olga@example.com' };
      const otto = { issuer: 'https://other', subject: 'olga' };
      const grant = sessionRecord(0).id;
      await index.opened({ ...sessionRecord(1), grant, approvedBy: [olga, otto] });
      await index.opened({ ...sessionRecord(2), grant, approvedBy: [otto] });
      await index.opened(sessionRecord(3));
      await index.opened({ ...sessionRecord(4, { target: 'payroll-db' }), grant, approvedBy: [olga] });
      await index.opened({ ...sessionRecord(5), grant, approvedBy: [olga, olga] });
      await index.closed(sessionRecord(5).id, OUTCOME);
      const listed = async (query: Partial<SessionQuery>): Promise<number[]> => {
        const ids = await walk(index, { limit: 1, ...query });
        return ids.map((id) => [1, 2, 3, 4, 5].find((n) => sessionRecord(n).id === id)!);
      };
      const of = ({ issuer, subject }: typeof otto) => ({ issuer, subject });
      const [from, cursor] = [sessionRecord(2).id, sessionRecord(5).id];
      expect(await listed({ approver: of(olga) })).toEqual([5, 4, 1]);
      expect(await listed({ approver: of(otto) })).toEqual([2, 1]);
      expect(await listed({ approver: of(olga), target: 'orders-db' })).toEqual([5, 1]);
      expect(await listed({ approver: of(olga), cursor, from })).toEqual([4]);
      expect(await listed({ approver: { ...of(olga), subject: 'eve' } })).toEqual([]);
      expect((await index.get(sessionRecord(5).id)).approvedBy).toEqual([olga, olga]);
      expect(await listed({})).toEqual([5, 4, 3, 2, 1]);
      expect((await index.unsealed()).map(({ id }) => id)).toEqual(
        [1, 2, 3, 4].map((n) => sessionRecord(n).id),
      );
    });

    it('walks everything exactly once by cursors, also while sessions are added', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 30 }),
          fc.integer({ min: 1, max: 12 }),
          async (n, limit) => {
            const index = await make();
            for (let i = 0; i < n; i += 1) await index.opened(sessionRecord(i));
            let added = n;
            const ids = await walk(index, { limit }, () => index.opened(sessionRecord(added++)));
            const expected = Array.from({ length: n }, (_, i) => sessionRecord(n - 1 - i).id);
            expect(ids).toEqual(expected);
          },
        ),
        { numRuns: Math.min(runs, 25) },
      );
    });

    it('goes on from any session id, also one that the query does not list', async () => {
      const index = await make();
      for (const n of [1, 2, 4]) await index.opened(sessionRecord(n));
      await index.opened(sessionRecord(3, { target: 'payroll-db' }));
      const from = async (n: number): Promise<string[]> => {
        return walk(index, { limit: 10, target: 'orders-db', cursor: sessionRecord(n).id });
      };
      const [one, two, four] = [1, 2, 4].map((n) => sessionRecord(n).id);
      expect(await from(9)).toEqual([four, two, one]);
      expect(await from(3)).toEqual([two, one]);
      expect(await from(2)).toEqual([one]);
      expect(await from(0)).toEqual([]);
    });

    it('lists what began in a time, its end not included', async () => {
      const index = await make();
      for (const n of [1, 2, 3, 4, 5]) await index.opened(sessionRecord(n));
      const listed = async (from: number, before?: number): Promise<string[]> =>
        walk(index, {
          limit: 2,
          from: lowestIdAt(sessionTime(from)),
          ...(before === undefined ? {} : { cursor: lowestIdAt(sessionTime(before)) }),
        });
      const ids = (...numbers: number[]): string[] => numbers.map((n) => sessionRecord(n).id);
      expect(await listed(2, 5)).toEqual(ids(4, 3, 2));
      expect(await listed(4)).toEqual(ids(5, 4));
      expect(await listed(6)).toEqual([]);
      expect(await listed(3, 3)).toEqual([]);
      expect(await listed(4, 2)).toEqual([]);
      expect(await walk(index, { limit: 9, from: lowestIdAt(0), cursor: lowestIdAt(9e12) })).toHaveLength(5);
    });

    it('keeps who acted beside whom they acted for, and finds their sessions by either', async () => {
      const index = await make();
      const actors = [
        { issuer: 'https://ci.example', subject: 'agent-7' },
        { issuer: 'https://id.example', subject: 'planner' },
      ];
      const { principal, ...record } = sessionRecord(31);
      const acted = { ...record, principal: { ...principal, actors } };
      await index.opened(acted);
      await index.opened(sessionRecord(32));
      expect(await index.get(acted.id)).toEqual({ ...acted, state: 'open' });
      const of = (person: string) => walk(index, { limit: 10, person });
      expect(await of('agent-7')).toEqual([acted.id]);
      expect(await of('planner')).toEqual([acted.id]);
      expect(await of('dana')).toEqual(expect.arrayContaining([acted.id, sessionRecord(32).id]));
    });

    it('lists the sessions of a person by subject or by e-mail, however it is spelt', async () => {
      const index = await make();
      await index.opened(sessionRecord(1));
      await index.opened(sessionRecord(2, { subject: 'eve', email: 'eve@example.com' }));
      await index.opened(
        sessionRecord(3, { issuer: 'https://other', subject: 'd2', email: 'Dana@Example.com' }),
      );
      const of = (person: string) => walk(index, { limit: 1, person });
      const [one, two, three] = [1, 2, 3].map((n) => sessionRecord(n).id);
      expect(await of('DANA@example.com')).toEqual([three, one]);
      expect(await of('eve')).toEqual([two]);
      expect(await of('Eve')).toEqual([]);
      expect(await of('%')).toEqual([]);
    });

    it('walks any query exactly once by cursors, also while sessions come in', async () => {
      const people = fc.record({
        subject: fc.constantFrom('dana', 'eve'),
        target: fc.constantFrom('orders-db', 'payroll-db'),
      });
      const query = fc.record(
        {
          target: fc.constantFrom('orders-db', 'payroll-db'),
          subject: fc
            .constantFrom('dana', 'eve')
            .map((subject) => ({ issuer: 'https://id.example', subject })),
          person: fc.constantFrom('dana', 'eve', 'dana@example.com'),
          from: fc.integer({ min: -1, max: 25 }).map((n) => lowestIdAt(sessionTime(n))),
          cursor: fc.integer({ min: -1, max: 25 }).map((n) => lowestIdAt(sessionTime(n))),
        },
        { requiredKeys: [] },
      );
      const sessions = fc.array(people, { maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(sessions, query, fc.integer({ min: 1, max: 7 }), async (made, asked, limit) => {
          const index = await make();
          for (const [n, who] of made.entries()) await index.opened(sessionRecord(n, who));
          let added = 100;
          const ids = await walk(index, { ...asked, limit }, () => index.opened(sessionRecord(added++)));
          expect(ids.filter((id) => id < sessionRecord(100).id)).toEqual(expected(made, asked));
        }),
        { numRuns: runs },
      );
    });

    it('has no next page when a page holds the last session', async () => {
      const index = await make();
      for (const n of [1, 2]) await index.opened(sessionRecord(n));
      expect(await index.list({ limit: 2 })).not.toHaveProperty('next');
      expect(await index.list({ limit: 1 })).toHaveProperty('next', sessionRecord(2).id);
    });

    it.each([0, -5, 0.5])('takes a limit of %d for one', async (limit) => {
      const index = await make();
      for (const n of [1, 2]) await index.opened(sessionRecord(n));
      expect((await index.list({ limit })).sessions).toHaveLength(1);
    });
  });
}
