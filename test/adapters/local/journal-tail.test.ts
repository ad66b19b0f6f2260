import { appendFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openJournal } from '#adapters/local/journal.ts';
import { localJournalTails } from '#adapters/local/journal-tail.ts';
import { encodeEntries } from '#core/recording/journal-record.ts';
import { linesOf, manifestOf } from '#core/recording/manifest.ts';
import { journalTailsContract } from '#test/contract/journal-tails.ts';
import { entry, markedEntry, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'custody-journal-'));
const textsOf = (entries: readonly { readonly block: Uint8Array }[]): string[] =>
  entries.map(({ block }) => Buffer.from(block).toString());

journalTailsContract('local', () => {
  const path = folder();
  return { open: () => openJournal(path, 'task-1'), tails: localJournalTails(path) };
});

describe('the tail of a local journal', () => {
  it('gives a record that arrives in pieces once it is whole, wherever it is cut', async () => {
    const manifest = manifestOf(linesOf(Buffer.alloc(64, 'm')));
    const first = { session: SESSION_A, segment: 0, offset: 0, block: Buffer.from('first') };
    const records = encodeEntries([
      entry(SESSION_B, 0, 0, 'other'),
      markedEntry(first, 1, manifest),
      entry(SESSION_A, 0, 5, 'second'),
    ]);
    const pieces = fc.array(fc.nat(records.length), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, async (cuts) => {
        const path = folder();
        const file = join(path, 'task-1-000000.journal');
        writeFileSync(file, '');
        const tail = localJournalTails(path).follow('task-1', SESSION_A);
        const given: string[] = [];
        const ends = [...cuts.toSorted((a, b) => a - b), records.length];
        for (const [i, end] of ends.entries()) {
          appendFileSync(file, records.subarray(ends[i - 1] ?? 0, end));
          given.push(...textsOf(await tail.read()));
        }
        await tail.close();
        expect(given).toEqual(['first', 'second']);
      }),
      { numRuns: 40 },
    );
  });

  it('goes on behind a record that stays torn, in the next file', async () => {
    const path = folder();
    const torn = encodeEntries([entry(SESSION_A, 0, 5, 'lost')]).subarray(0, 100);
    writeFileSync(
      join(path, 'task-1-000000.journal'),
      Buffer.concat([encodeEntries([entry(SESSION_A, 0, 0, 'first')]), torn]),
    );
    const tail = localJournalTails(path).follow('task-1', SESSION_A);
    expect(textsOf(await tail.read())).toEqual(['first']);
    expect(await tail.read()).toEqual([]);
    writeFileSync(join(path, 'task-1-000001.journal'), encodeEntries([entry(SESSION_A, 0, 5, 'again')]));
    expect(textsOf(await tail.read())).toEqual(['again']);
    await tail.close();
  });

  it('reads on in a file that the gateway removes meanwhile', async () => {
    const path = folder();
    const journal = await openJournal(path, 'task-1');
    await journal.append([entry(SESSION_A, 0, 0, 'first')]);
    const tail = localJournalTails(path).follow('task-1', SESSION_A);
    expect(textsOf(await tail.read())).toEqual(['first']);
    await journal.append([entry(SESSION_A, 0, 5, 'second')]);
    journal.release(SESSION_A, 0);
    await journal.close();
    expect(readdirSync(path)).toEqual([]);
    expect(textsOf(await tail.read())).toEqual(['second']);
    expect(await tail.read()).toEqual([]);
    await tail.close();
  });

  it('survives any garbage for a file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        const path = folder();
        writeFileSync(join(path, 'task-1-000000.journal'), bytes);
        const tail = localJournalTails(path).follow('task-1', SESSION_A);
        expect(await tail.read()).toEqual([]);
        await tail.close();
      }),
      { numRuns: 40 },
    );
  });
});
