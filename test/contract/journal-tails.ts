import { describe, expect, it } from 'vitest';
import type { JournalTail, JournalTails } from '#core/recording/live/ports.ts';
import type { Journal } from '#core/recording/ports.ts';
import { entry, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import type { Given } from './given.ts';

export interface TailsUnderTest {
  /** A journal of `task-1`. */
  open(): Promise<Journal>;
  readonly tails: JournalTails;
}

/** Texts of all that there is now. */
async function now(tail: JournalTail): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const entries = await tail.read();
    if (entries.length === 0) return texts;
    texts.push(
      ...entries.map(({ segment, offset, block }) => `${segment}/${offset} ${Buffer.from(block).toString()}`),
    );
  }
}

/** The promises of JournalTails, for every adapter. */
export function journalTailsContract(name: string, make: () => Given<TailsUnderTest>): void {
  describe(`journal tails contract: ${name}`, () => {
    it('gives what is there, then what comes, each once and in order, of one session', async () => {
      const under = await make();
      const tail = under.tails.follow('task-1', SESSION_A);
      expect(await now(tail)).toEqual([]);
      const journal = await under.open();
      await journal.append([entry(SESSION_A, 0, 0, 'abc'), entry(SESSION_B, 0, 0, 'x')]);
      expect(await now(tail)).toEqual(['0/0 abc']);
      await journal.append([entry(SESSION_B, 0, 1, 'y')]);
      expect(await now(tail)).toEqual([]);
      await journal.append([entry(SESSION_A, 0, 3, 'd'), entry(SESSION_A, 0, 4, 'e')]);
      await journal.append([entry(SESSION_A, 0, 5, 'f')]);
      expect(await now(tail)).toEqual(['0/3 d', '0/4 e', '0/5 f']);
      await tail.close();
      const another = under.tails.follow('task-1', SESSION_A);
      expect(await now(another)).toEqual(['0/0 abc', '0/3 d', '0/4 e', '0/5 f']);
      await another.close();
    });

    it('leaves out nothing that is not in the store, whatever was released', async () => {
      const under = await make();
      const journal = await under.open();
      const tail = under.tails.follow('task-1', SESSION_A);
      await journal.append([entry(SESSION_A, 0, 0, 'old'), entry(SESSION_B, 0, 0, 'held')]);
      journal.release(SESSION_A, 0);
      for (let n = 0; n < 70; n += 1) await journal.append([entry(SESSION_A, 1, n, 'x')]);
      const texts = (await now(tail)).filter((text) => text.startsWith('1/'));
      expect(texts).toEqual(Array.from({ length: 70 }, (_, n) => `1/${n} x`));
      await tail.close();
    });

    it('gives entries of any size', async () => {
      const under = await make();
      const journal = await under.open();
      const tail = under.tails.follow('task-1', SESSION_A);
      const large = 'z'.repeat(3 << 20);
      await journal.append([entry(SESSION_A, 0, 0, large)]);
      await journal.append([entry(SESSION_A, 0, large.length, 'end')]);
      expect((await now(tail)).map((text) => text.length)).toEqual([large.length + 4, 13]);
      await tail.close();
    });

    it('has nothing of another task', async () => {
      const under = await make();
      await (await under.open()).append([entry(SESSION_A, 0, 0, 'abc')]);
      expect(await now(under.tails.follow('task-2', SESSION_A))).toEqual([]);
    });
  });
}
