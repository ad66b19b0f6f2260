import { describe, expect, it } from 'vitest';
import { indexSession } from '#core/replay/index/index-session.ts';
import { LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { partsOf, query, recorded } from './support.ts';

const one = (text: string): Said[] => [query(text), ['target', server.tag(text.toUpperCase()), server.ready]];
const failed: Said[] = [query('nonsense'), ['target', server.error('syntax error'), server.ready]];
const MANY = 1_500;
const SAID: readonly Said[] = [
  ...LOGIN,
  ...Array.from({ length: MANY }, () => one('begin')).flat(),
  ...failed,
  ...one('truncate t'),
];

interface Piece {
  readonly first: number;
  readonly steps: number;
  readonly errors: number;
  readonly writes: number;
  readonly from: number;
  readonly to: number;
}

describe('GET /v1/sessions/{id}/outline', () => {
  it('counts every step once, in order, by its time, with an index and without', async () => {
    const there = await recorded(SAID);
    const { body } = await there.ask('/outline');
    const pieces = body['pieces'] as Piece[];
    expect(pieces.length).toBeLessThanOrEqual(401);
    expect(pieces.length).toBeGreaterThan(100);
    let next = 1;
    for (const { first, steps, from, to } of pieces) {
      expect([first, to >= from]).toEqual([next, true]);
      next += steps;
    }
    const { total } = (await there.ask('/steps', { limit: '1' })).body as {
      total: { steps: number; errors: number; writes: number; until: number };
    };
    const sum = (of: 'steps' | 'errors' | 'writes'): number =>
      pieces.reduce((all, piece) => all + piece[of], 0);
    expect([sum('steps'), sum('errors'), sum('writes')]).toEqual([total.steps, total.errors, total.writes]);
    expect([total.errors, total.writes, body['until']]).toEqual([1, 1, total.until]);
    await indexSession(there.id, { store: there.ports.source, signer: there.ports.keys });
    expect((await there.ask('/outline')).body).toEqual(body);
  });

  it('is a look that the ledger knows of, and not for everybody (security cases 7, 14)', async () => {
    const there = await recorded(SAID.slice(0, 12));
    expect((await there.ask('/outline', {}, 'eve')).status).toBe(404);
    expect((await there.ask('/outline', {}, 'olga')).status).toBe(403);
    expect(partsOf(there)).toEqual([]);
    await there.ask('/outline');
    expect(partsOf(there)).toEqual(['outline']);
  });
});
