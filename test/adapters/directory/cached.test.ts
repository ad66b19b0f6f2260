import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CacheOptions, cachedDirectory } from '#adapters/directory/cached.ts';
import { CustodyError } from '#core/errors.ts';
import type { DirectoryPerson } from '#core/identity/directory.ts';

const MINUTE = 60_000;
const away = new CustodyError('issuer-unreachable', 'away');
const unknown = new CustodyError('access-denied', 'not known');
const dana: DirectoryPerson = { subject: 'dana', email: 'dana@acme.com', claims: { oid: '1', iat: 1 } };

/** A directory that counts, answers what it is told to, and waits where it is told to. */
function stand(options: Partial<CacheOptions> = {}) {
  const troubles: CustodyError[] = [];
  const state = {
    now: 0,
    asked: [] as string[],
    answer: (): Promise<readonly string[]> => Promise.resolve([`g${state.asked.length}`]),
    troubles,
  };
  const directory = cachedDirectory(
    {
      groupsOf: ({ subject }) => {
        state.asked.push(subject);
        return state.answer();
      },
    },
    {
      ...{ cacheFor: 5 * MINUTE, staleFor: 60 * MINUTE, claims: ['oid'] },
      now: () => state.now,
      onTrouble: (error) => troubles.push(error),
      ...options,
    },
  );
  return { state, ask: (person: DirectoryPerson = dana) => directory.groupsOf(person) };
}

describe('an answer of a directory', () => {
  it('counts for as long as the file says, and not a moment longer', async () => {
    const { state, ask } = stand();
    expect(await ask()).toEqual(['g1']);
    state.now = 5 * MINUTE - 1;
    expect(await ask()).toEqual(['g1']);
    state.now = 5 * MINUTE;
    expect(await ask()).toEqual(['g2']);
  });

  it('is as old as its question', async () => {
    const { state, ask } = stand();
    state.answer = () => {
      state.now += 2 * MINUTE;
      return Promise.resolve(['g']);
    };
    await ask();
    state.now = 5 * MINUTE;
    await ask();
    expect(state.asked).toHaveLength(2);
  });

  it('is of no age by a clock that was set back: it is asked for anew, and serves nobody', async () => {
    const { state, ask } = stand();
    state.now = 60 * MINUTE;
    await ask();
    state.now -= 1;
    expect(await ask()).toEqual(['g2']);
    state.now -= 1;
    state.answer = () => Promise.reject(away);
    await expect(ask()).rejects.toBe(away);
    state.now -= 1;
    state.answer = () => Promise.resolve(['back']);
    expect(await ask()).toEqual(['back']);
  });

  it('is for all logins that wait for it, and a failure is too', async () => {
    const { state, ask } = stand();
    const answer = Promise.withResolvers<readonly string[]>();
    state.answer = () => answer.promise;
    const waiting = [ask(), ask(), ask({ ...dana, claims: { oid: '1', iat: 2 } })];
    answer.resolve(['g']);
    expect(await Promise.all(waiting)).toEqual([['g'], ['g'], ['g']]);
    expect(state.asked).toHaveLength(1);
    const other = { ...dana, subject: 'rui' };
    state.answer = () => Promise.reject(away);
    const failing = await Promise.allSettled([ask(other), ask(other)]);
    expect(failing.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(state.asked).toHaveLength(2);
  });

  it.each<[what: string, other: DirectoryPerson]>([
    ['another subject', { ...dana, subject: 'rui' }],
    ['another address', { ...dana, email: 'rui@acme.com' }],
    ['no address', { subject: 'dana', claims: dana.claims }],
    ['another id', { ...dana, claims: { oid: '2' } }],
    ['no id', { ...dana, claims: {} }],
    ['an id of another type', { ...dana, claims: { oid: 1 } }],
  ])('is for nobody with %s', async (_what, other) => {
    const { ask } = stand();
    expect(await ask()).toEqual(['g1']);
    expect(await ask(other)).toEqual(['g2']);
    expect(await ask()).toEqual(['g1']);
  });
});

describe('a directory that fails', () => {
  it('is stood in for by an older answer, for as long as the file says, with an alarm each time', async () => {
    const { state, ask } = stand();
    await ask();
    state.answer = () => Promise.reject(away);
    for (const minutes of [5, 30, 59]) {
      state.now = minutes * MINUTE;
      expect(await ask()).toEqual(['g1']);
    }
    state.now = 60 * MINUTE;
    await expect(ask()).rejects.toBe(away);
    expect(state.troubles).toEqual([away, away, away, away]);
  });

  it('refuses whoever it has not answered for: no groups would be a wrong answer', async () => {
    const { state, ask } = stand();
    state.answer = () => Promise.reject(away);
    await expect(ask()).rejects.toBe(away);
  });

  it('is not asked for the same person again within ten seconds', async () => {
    const { state, ask } = stand();
    state.answer = () => Promise.reject(away);
    await expect(ask()).rejects.toBe(away);
    state.now = 9_999;
    await expect(ask()).rejects.toBe(away);
    await expect(ask({ ...dana, subject: 'rui' })).rejects.toBe(away);
    expect(state.asked).toEqual(['dana', 'rui']);
    state.now = 10_000;
    state.answer = () => Promise.resolve(['back']);
    expect(await ask()).toEqual(['back']);
    expect(state.troubles).toHaveLength(2);
  });

  it('is no failure when it does not know somebody: no older answer serves then, and nobody is alarmed', async () => {
    const { state, ask } = stand();
    await ask();
    state.now = 5 * MINUTE;
    state.answer = () => Promise.reject(unknown);
    await expect(ask()).rejects.toBe(unknown);
    state.now += 10_000;
    state.answer = () => Promise.reject(away);
    await expect(ask()).rejects.toBe(away);
    expect(state.troubles).toEqual([away]);
  });

  it('has no older answer where the file wants none', async () => {
    const { state, ask } = stand({ staleFor: 0 });
    await ask();
    state.now = 5 * MINUTE;
    state.answer = () => Promise.reject(away);
    await expect(ask()).rejects.toBe(away);
  });
});

describe('what is kept', () => {
  it('is bounded by people and by groups: the oldest goes', async () => {
    const { state, ask } = stand({ peopleMax: 3, groupsMax: 10 });
    const of = (subject: string) => ask({ ...dana, subject });
    for (const subject of ['a', 'b', 'c', 'd']) await of(subject);
    await of('b');
    expect(state.asked).toEqual(['a', 'b', 'c', 'd']);
    await of('a');
    expect(state.asked.at(-1)).toBe('a');
    state.answer = () => Promise.resolve(Array.from({ length: 10 }, (_, n) => `g${n}`));
    await of('many');
    await of('a');
    expect(state.asked.slice(-2)).toEqual(['many', 'a']);
  });

  it('never is older than allowed, whatever happens in whatever order', async () => {
    const step = fc.record({
      wait: fc.nat(20 * MINUTE),
      fails: fc.boolean(),
      who: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { state, ask } = stand({ peopleMax: 1 });
        for (const { wait, fails, who } of steps) {
          state.now += wait;
          state.answer = () => (fails ? Promise.reject(away) : Promise.resolve([`${who} ${state.now}`]));
          const groups = await ask({ ...dana, subject: who }).catch(() => undefined);
          if (groups === undefined) continue;
          const [name, at] = groups[0]!.split(' ');
          expect(name).toBe(who);
          expect(state.now - Number(at)).toBeLessThan(60 * MINUTE);
        }
      }),
    );
  });
});
