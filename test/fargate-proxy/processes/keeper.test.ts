import { describe, expect, it } from 'vitest';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Sealing } from '#core/recording/seal.ts';
import { type FromKeeper, Keeper } from '#proxy/processes/keeper.ts';

const fault = new CustodyError('store-unavailable', 'the disk is full');

function stand(answers: readonly (Sealing | Error)[], left: readonly string[] = []) {
  const asked: string[][] = [];
  const said: FromKeeper[] = [];
  const pauses: { ms: number; work: () => void }[] = [];
  const sealTasks = async (tasks: ReadonlySet<string>): Promise<Sealing> => {
    const answer = answers[asked.push([...tasks]) - 1] ?? { sealed: 0, failures: [] };
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const later = (ms: number, work: () => void): void => void pauses.push({ ms, work });
  const keeper = new Keeper(
    { sealTasks, later, say: (message) => said.push(message), asError: asCustodyError },
    left,
  );
  return { keeper, asked, said, pauses };
}

describe('what looks after processes', () => {
  it('seals a task at its end, once, and touches no other', async () => {
    const { keeper, asked, said, pauses } = stand([{ sealed: 2, failures: [] }]);
    await keeper.ended('one');
    await keeper.seal();
    expect(asked).toEqual([['one']]);
    expect(said).toEqual([{ kind: 'recovered-late', sessions: 2 }]);
    expect(pauses).toEqual([]);
  });

  it('looks at one that ends meanwhile behind the one before', async () => {
    const { keeper, asked } = stand([]);
    await Promise.all([keeper.ended('one'), keeper.ended('two')]);
    expect(asked.flat().toSorted()).toEqual(expect.arrayContaining(['one', 'two']));
    expect(asked.length).toBeGreaterThan(1);
  });

  it('tries again what cannot be sealed, less and less often, and what cannot even be looked at', async () => {
    const failure: Sealing = { sealed: 0, failures: [{ session: 's', error: fault }] };
    const { keeper, asked, said, pauses } = stand([failure, fault, { sealed: 1, failures: [] }]);
    await keeper.ended('one');
    expect(said).toMatchObject([{ kind: 'unsealable', session: 's' }]);
    for (let tries = 0; tries < 2; tries += 1) {
      pauses[tries]!.work();
      await keeper.seal();
    }
    expect(asked.every((tasks) => tasks.join() === 'one')).toBe(true);
    expect(pauses.map(({ ms }) => ms)).toEqual([5_000, 10_000]);
    expect(said.slice(1)).toMatchObject([{ kind: 'unread' }, { kind: 'recovered-late', sessions: 1 }]);
  });

  it('has what the start could not seal for its own', async () => {
    const { keeper, asked, pauses } = stand([], ['earlier']);
    expect(pauses).toHaveLength(1);
    await keeper.seal();
    expect(asked).toEqual([['earlier']]);
  });
});
