import { describe, expect, it } from 'vitest';
import { linesOf, manifestOf } from '#core/recording/manifest.ts';
import type { Journal, JournalRemains } from '#core/recording/ports.ts';
import { OTHER_SESSION } from '#test/support/evidence-builder.ts';
import { entry, markedEntry, markOf, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import { tailsIn } from '#test/support/remains.ts';
import type { Given } from './given.ts';

export interface JournalUnderTest {
  open(): Promise<Journal>;
  /** What a new gateway finds after the old one is gone. */
  remains(): JournalRemains;
}

/** The promises of Journal and JournalRemains, for every adapter. */
export function journalContract(name: string, make: () => Given<JournalUnderTest>): void {
  describe(`journal contract: ${name}`, () => {
    it('gives back each tail whole, with the last head', async () => {
      const under = await make();
      const journal = await under.open();
      await journal.append([entry(SESSION_A, 0, 0, 'abc'), entry(SESSION_B, 3, 0, 'x')]);
      await journal.append([entry(SESSION_A, 0, 3, 'def')]);
      const tails = await tailsIn(under.remains());
      const a = tails.find(({ session }) => session === SESSION_A)!;
      expect(Buffer.from(a.content).toString()).toBe('abcdef');
      expect(markOf(a)).toBe('d'.charCodeAt(0));
      expect(a.segment).toBe(0);
      const b = tails.find(({ session }) => session === SESSION_B)!;
      expect([Buffer.from(b.content).toString(), b.segment]).toEqual(['x', 3]);
    });

    it('gives back who vouches for each: a manifest for those it came with, or its own signature', async () => {
      const under = await make();
      const journal = await under.open();
      const manifest = manifestOf(linesOf(Buffer.alloc(96, 'm')));
      const by = (session: string, mark: number, named?: Uint8Array) =>
        markedEntry({ session, segment: 0, offset: 0, block: Buffer.from('x') }, mark, named);
      await journal.append([by(OTHER_SESSION, 1), by(SESSION_A, 2, manifest), by(SESSION_B, 2, manifest)]);
      const tails = await tailsIn(under.remains());
      const named = tails.map(({ session, voucher }) => [
        session,
        Buffer.from(voucher.manifest ?? []).toString(),
      ]);
      expect(tails.map(markOf).toSorted((a, b) => a - b)).toEqual([1, 2, 2]);
      expect(Object.fromEntries(named)).toEqual({
        [OTHER_SESSION]: '',
        [SESSION_A]: manifest.toString(),
        [SESSION_B]: manifest.toString(),
      });
    });

    it('keeps what follows a gap out of the tail', async () => {
      const under = await make();
      const journal = await under.open();
      await journal.append([entry(SESSION_A, 0, 0, 'abc'), entry(SESSION_A, 0, 9, 'zzz')]);
      const [tail] = await tailsIn(under.remains());
      expect(Buffer.from(tail!.content).toString()).toBe('abc');
      expect(markOf(tail!)).toBe('a'.charCodeAt(0));
    });

    it('takes as many appends at once as it says; entries stand in the order in which they were asked for', async () => {
      const under = await make();
      const journal = await under.open();
      const { appendsAtOnce: most = 1 } = journal;
      const text = 'what is said in many appends';
      for (let at = 0; at < text.length; at += most) {
        const letters = text.slice(at, at + most).split('');
        await Promise.all(
          letters.map((letter, n) =>
            journal.append([entry(SESSION_A, 0, at + n, letter), entry(SESSION_B, at + n, 0, letter)]),
          ),
        );
      }
      const tails = await tailsIn(under.remains());
      const said = tails.find(({ session }) => session === SESSION_A)!;
      expect(Buffer.from(said.content).toString()).toBe(text);
      const others = tails.filter(({ session }) => session === SESSION_B).map(({ segment }) => segment);
      expect(others).toEqual(text.split('').map((_, n) => n));
    });

    it('of a session in which something is missing has what stands before that, and of others all', async () => {
      const under = await make();
      const journal = await under.open();
      await journal.append([entry(SESSION_A, 0, 0, 'abc'), entry(SESSION_B, 0, 0, 'x')]);
      // Between them one was lost, of session A alone.
      await journal.append([entry(SESSION_A, 0, 6, 'ghi'), entry(SESSION_B, 0, 1, 'y')]);
      await journal.append([entry(SESSION_B, 0, 2, 'z'), entry(SESSION_A, 0, 9, 'jkl')]);
      const texts = (await tailsIn(under.remains())).map(({ content }) => Buffer.from(content).toString());
      expect(texts).toEqual(['abc', 'xyz']);
    });

    it('keeps the tails of sessions that are still needed', async () => {
      const under = await make();
      await (await under.open()).append([entry(SESSION_A, 0, 0, 'abc'), entry(SESSION_B, 0, 0, 'x')]);
      await under.remains().clear(new Set([SESSION_A]));
      const kept = (await tailsIn(under.remains())).filter(({ session }) => session === SESSION_A);
      expect(kept.map(({ content }) => Buffer.from(content).toString())).toEqual(['abc']);
      await under.remains().clear(new Set([OTHER_SESSION]));
      expect(await tailsIn(under.remains())).toEqual([]);
    });

    it('forgets everything on clear', async () => {
      const under = await make();
      await (await under.open()).append([entry(SESSION_A, 0, 0, 'abc')]);
      await under.remains().clear();
      expect(await tailsIn(under.remains())).toEqual([]);
    });
  });
}
