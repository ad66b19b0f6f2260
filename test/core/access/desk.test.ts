import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessDesk, type DeskPorts } from '#core/access/desk.ts';
import { giveBack } from '#core/access/lifecycle.ts';
import { CustodyError } from '#core/errors.ts';
import {
  dana,
  deskStand,
  expectAllTold,
  kindsOf,
  mayAsk,
  newsIds,
  newsOfAll,
  says,
  type Told,
} from './desk-support.ts';
import { HOUR, idOf, principal } from './support.ts';

const REASON = { reason: 'look' };
const newsIn = ({ log }: Told) => log.filter((entry) => typeof entry !== 'string');

describe('AccessDesk', () => {
  it('makes a request: stored, in the ledger, then told', async () => {
    const { desk, told, stored } = deskStand();
    const request = await desk.ask(mayAsk(), REASON);
    expect(stored()).toEqual(request);
    expect(request).toMatchObject({ id: idOf(1), rule: 'ask', steps: [] });
    expectAllTold(told, request);
    expect(newsIn(told)).toEqual(newsOfAll(request));
  });

  it('makes a broken glass, which alarms', async () => {
    const { desk, told } = deskStand();
    const request = await desk.ask(mayAsk('glass'), REASON);
    expect(kindsOf(request)).toEqual(['granted']);
    expectAllTold(told, request);
    expect(newsIn(told)).toMatchObject([
      { kind: 'break-glass', alarm: true },
      { kind: 'access-granted', alarm: true },
    ]);
  });

  it('changes a request and gives it back as it is then', async () => {
    const { desk, told, stored } = deskStand();
    await desk.ask(mayAsk(), REASON);
    for (const n of [1, 2]) await desk.change(idOf(1), says(n, 'approved'));
    const request = await desk.change(idOf(1), says(3, 'approved'));
    expect(kindsOf(request)).toEqual(['approved', 'approved', 'approved', 'granted']);
    expect(stored()).toEqual(request);
    expectAllTold(told, request);
    expect(newsIds(told)).toEqual([0, 1, 2, 3, 4].map((n) => `${idOf(1)}/${n}`));
  });

  it('changes nothing where there is nothing to change, and tells nothing twice', async () => {
    const { desk, told, store, stored } = deskStand();
    await desk.ask(mayAsk(), REASON);
    await desk.change(idOf(1), says(1, 'approved'));
    const before = told.log.length;
    store.append = () => Promise.reject(new Error('nothing is to be stored'));
    expect(await desk.change(idOf(1), says(1, 'approved'))).toEqual(stored());
    expect(kindsOf(stored())).toEqual(['approved']);
    expect(told.log).toHaveLength(before);
  });

  it('rejects with what the steps throw, and with not-found', async () => {
    const { desk, stored } = deskStand();
    await desk.ask(mayAsk(), REASON);
    const refuse = (): never => {
      throw new CustodyError('access-denied', 'no');
    };
    await expect(desk.change(idOf(1), refuse)).rejects.toMatchObject({
      code: 'access-denied',
      message: 'no',
    });
    await expect(desk.change(idOf(9), says(1, 'approved'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(desk.ask(mayAsk(), {})).rejects.toMatchObject({ code: 'format-invalid' });
    expect(stored().steps).toEqual([]);
    expect(stored(2)).toBeUndefined();
  });

  it('looks again at the time for each try', async () => {
    const times = [0, HOUR, 25 * HOUR].map((ms) => new Date(Date.parse('2026-11-23T09:00:00.000Z') + ms));
    const { ports, store } = deskStand();
    const desk = new AccessDesk({ ...ports, now: () => times.shift()! });
    await desk.ask(mayAsk(), REASON);
    const append = store.append.bind(store);
    store.append = (...args) => {
      store.append = append;
      return Promise.reject(new CustodyError('conflict', `not ${args.length}`));
    };
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({
      message: 'the request is not pending any more: nobody decided in time',
    });
  });

  it('gives up when somebody else is always first', async () => {
    const { desk, store } = deskStand();
    await desk.ask(mayAsk(), REASON);
    let tries = 0;
    store.append = () => {
      tries += 1;
      return Promise.reject(new CustodyError('conflict', 'somebody else changed it'));
    };
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({
      code: 'conflict',
      message: 'too many people change this request at once',
    });
    expect(tries).toBe(500);
  });
});

describe('an idempotency key', () => {
  const twice = async (first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<unknown[]> => [
    await first(),
    await second(),
  ];

  it('makes one request of one requester, however often it comes', async () => {
    const { desk, told, store } = deskStand();
    const ask = () => desk.ask(mayAsk(), REASON, 'key');
    const [one, two] = await twice(ask, ask);
    expect(two).toEqual(one);
    const many = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(many.map(({ id }) => id))).toEqual(new Set([idOf(1)]));
    expect(store.requests.size).toBe(1);
    expectAllTold(told, many[0]!);
  });

  it('gives the request as it is by now', async () => {
    const { desk } = deskStand();
    await desk.ask(mayAsk(), REASON, 'key');
    await desk.change(idOf(1), says(1, 'denied'));
    expect(kindsOf(await desk.ask(mayAsk(), REASON, 'key'))).toEqual(['denied']);
  });

  it.each([
    ['another reason', () => mayAsk(), { reason: 'other' }],
    ['a ticket', () => mayAsk(), { ...REASON, ticket: 'OPS-1' }],
    ['another time', () => mayAsk(), { ...REASON, durationMs: HOUR }],
    ['commands', () => mayAsk(), { ...REASON, statements: [{ sha256: 'b'.repeat(64), text: 'x' }] }],
    ['another rule', () => mayAsk('glass'), { ...REASON, durationMs: 1_000 }],
  ])('is refused for what was not asked for with it: %s', async (_what, permission, ask) => {
    const { desk, store } = deskStand();
    await desk.ask(mayAsk(), REASON, 'key');
    await expect(desk.ask(permission(), ask, 'key')).rejects.toMatchObject({
      code: 'conflict',
      message: 'this idempotency key was used for another request',
    });
    expect(store.requests.size).toBe(1);
  });

  it("is nothing to somebody else's key, nor to no key", async () => {
    const { desk } = deskStand();
    const eve = principal('eve', ['developers']);
    const ids = [
      await desk.ask(mayAsk(), REASON, 'key'),
      await desk.ask(mayAsk('ask', eve), REASON, 'key'),
      await desk.ask(mayAsk(), REASON),
      await desk.ask(mayAsk(), REASON),
    ].map(({ id }) => id);
    expect(ids).toEqual([1, 2, 3, 4].map(idOf));
  });
});

type Outcome = { readonly granted: number; readonly denied: number };

/** What came of a request, whoever decided in whatever order: one outcome at most, and nothing after it. */
function expectOneOutcome(kinds: readonly string[]): Outcome {
  const count = (kind: string): number => kinds.filter((found) => found === kind).length;
  const [granted, denied] = [count('granted'), count('denied')];
  expect(granted + denied).toBeLessThanOrEqual(1);
  expect(count('approved')).toBeLessThanOrEqual(3);
  expect(granted === 1).toBe(count('approved') === 3);
  expect(denied === 1 && kinds.at(-1) !== 'denied').toBe(false);
  return { granted, denied };
}

describe('many who decide at once', () => {
  it.each([
    ['all approve', 0, { granted: 1, denied: 0 }],
    ['some deny', 10, undefined],
    ['all deny', 1, { granted: 0, denied: 1 }],
  ])('200 reviewers: %s', async (_what, everyNth, expected) => {
    const { desk, told, stored } = deskStand();
    await desk.ask(mayAsk(), REASON);
    const verdict = (n: number) => (everyNth > 0 && n % everyNth === 0 ? 'denied' : 'approved');
    const people = Array.from({ length: 200 }, (_, n) => desk.change(idOf(1), says(n, verdict(n))));
    const done = await Promise.allSettled(people);
    const outcome = expectOneOutcome(kindsOf(stored()));
    expect(outcome.granted + outcome.denied).toBe(1);
    expect(outcome).toEqual(expected ?? outcome);
    const decided = stored().steps.filter(({ kind }) => kind !== 'granted').length;
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(decided);
    for (const one of done)
      expect(one.status === 'fulfilled' || (one.reason as CustodyError).code === 'conflict').toBe(true);
    expectAllTold(told, stored());
  });

  it('in whatever order their calls are answered', async () => {
    const seen = { granted: 0, denied: 0, withdrawn: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.nat(9), { minLength: 3, maxLength: 6 }),
        async (s, dice) => {
          const { desk, told, stored } = deskStand((ports) => scheduled(ports, s));
          await s.waitFor(desk.ask(mayAsk(), REASON));
          const people = dice.map((die, n) =>
            desk.change(idOf(1), says(n, die === 0 ? 'denied' : 'approved')),
          );
          if (dice[0] === 9)
            people.push(desk.change(idOf(1), (request, now) => giveBack(request, dana, now)));
          await s.waitFor(Promise.allSettled(people));
          const { granted, denied } = expectOneOutcome(
            kindsOf(stored()).filter((kind) => kind !== 'returned'),
          );
          expectAllTold(told, stored());
          seen.granted += granted;
          seen.denied += denied;
          seen.withdrawn += Number(kindsOf(stored()).includes('withdrawn'));
        },
      ),
      { numRuns: 200 },
    );
    expect(Math.min(seen.granted, seen.denied, seen.withdrawn)).toBeGreaterThan(0);
  });
});

/** The same ports, whose calls are answered when the scheduler says. */
function scheduled(ports: DeskPorts, s: fc.Scheduler): DeskPorts {
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        return s.scheduleFunction(
          async (...args: unknown[]) => Reflect.apply(member, target, args) as unknown,
        );
      },
    });
  return { ...ports, requests: wrap(ports.requests), leaves: wrap(ports.leaves), stream: wrap(ports.stream) };
}
