import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommitLine, inOrder } from '#core/recording/commit-line.ts';

/** Commits whose appends end when they are told to. */
class Appends {
  readonly #line: CommitLine;
  readonly begun: number[] = [];
  readonly over: string[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];

  constructor(atOnce: number) {
    this.#line = new CommitLine(atOnce);
  }

  async commit(bytes = 0): Promise<void> {
    const end = Promise.withResolvers<void>();
    // It may be over before anybody has begun to wait for it.
    end.promise.catch(() => undefined);
    const n = this.#ends.push(end) - 1;
    const commit = (before: Promise<void>): Promise<void> => {
      this.begun.push(n);
      return inOrder(before, this.#ends[n]!.promise);
    };
    void this.#line
      .enter(commit, () => bytes)
      .then(
        () => this.over.push(`${n}`),
        () => this.over.push(`${n} failed`),
      );
    await turn();
  }

  async end(n: number, fate: 'done' | 'lost' = 'done'): Promise<void> {
    if (fate === 'done') this.#ends[n]!.resolve();
    else this.#ends[n]!.reject(new Error('lost'));
    await turn();
  }
}

describe('a line of commits', () => {
  it('begins as many as may be under way, in order, and is over with each behind all before it', async () => {
    const appends = new Appends(3);
    for (let n = 0; n < 5; n += 1) await appends.commit();
    expect(appends.begun).toEqual([0, 1, 2]);
    await appends.end(1);
    await appends.end(2, 'lost');
    expect([appends.begun, appends.over]).toEqual([[0, 1, 2], []]);
    await appends.end(0);
    expect([appends.begun, appends.over]).toEqual([
      [0, 1, 2, 3, 4],
      ['0', '1', '2 failed'],
    ]);
  });

  it('one at a time begins none while another is under way', async () => {
    const appends = new Appends(1);
    await appends.commit();
    await appends.commit();
    expect(appends.begun).toEqual([0]);
    await appends.end(0, 'lost');
    expect([appends.begun, appends.over]).toEqual([[0, 1], ['0 failed']]);
  });

  it('begins none that would be too much together, and one that is too much by itself alone', async () => {
    const appends = new Appends(4);
    await appends.commit(3 << 20);
    await appends.commit(2 << 20);
    await appends.commit(9 << 20);
    expect(appends.begun).toEqual([0]);
    await appends.end(0);
    expect(appends.begun).toEqual([0, 1]);
    await appends.end(1);
    await appends.commit(1);
    expect(appends.begun).toEqual([0, 1, 2]);
    await appends.end(2);
    expect(appends.begun).toEqual([0, 1, 2, 3]);
  });

  it('begins once its caller is done, so that what comes in one step goes together', async () => {
    const line = new CommitLine(1);
    const added: string[] = [];
    const taken: string[][] = [];
    const commit = async (): Promise<void> => void taken.push(added.splice(0));
    added.push('a');
    const first = line.enter(commit);
    added.push('b');
    await Promise.all([first, line.enter(commit)]);
    expect(taken).toEqual([['a', 'b'], []]);
  });

  it('whatever ends when, keeps the order and never has more under way than it may', async () => {
    const ends = fc.array(fc.tuple(fc.nat(19), fc.constantFrom('done' as const, 'lost' as const)), {
      minLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), ends, async (atOnce, fates) => {
        const appends = new Appends(atOnce);
        for (let n = 0; n < 20; n += 1) void appends.commit();
        for (const [n, fate] of fates) {
          await appends.end(n, fate);
          expect(appends.begun.length - appends.over.length).toBeLessThanOrEqual(atOnce);
        }
        for (let n = 0; n < 20; n += 1) await appends.end(n);
        expect(appends.begun).toEqual(Array.from({ length: 20 }, (_, n) => n));
        expect(appends.over.map((text) => Number.parseInt(text, 10))).toEqual(appends.begun);
      }),
      { numRuns: 20 },
    );
  });
});
