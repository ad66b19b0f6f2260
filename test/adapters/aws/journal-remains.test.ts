import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf, SHARDS, streamOf } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { encodeEntries } from '#core/recording/journal-record.ts';
import type { JournalEntry, JournaledTail } from '#core/recording/ports.ts';
import { randomEntries, tailsByTheBook } from '#test/support/journal-model.ts';
import { JournalTableInMemory } from '#test/support/journal-table.ts';
import { markedEntry, markOf, SESSION_A } from '#test/support/journal-entries.ts';
import { tailsIn } from '#test/support/remains.ts';

const TASK = 'task';

interface Commit {
  readonly entries: readonly JournalEntry[];
  readonly parts: number;
  /** Its parts end where records end. */
  readonly isEven: boolean;
  /** A part that was never stored, and one of which the end was torn off. */
  readonly missing: number | undefined;
  readonly torn: number | undefined;
}

const commit: fc.Arbitrary<Commit> = fc.record({
  entries: randomEntries,
  parts: fc.integer({ min: 1, max: 4 }),
  isEven: fc.boolean(),
  missing: fc.option(fc.nat(5), { nil: undefined, freq: 3 }),
  torn: fc.option(fc.nat(5), { nil: undefined, freq: 3 }),
});
const commits = fc.array(commit, { maxLength: 12 });

function tableOf(journal: readonly Commit[], low: number): JournalTableInMemory {
  const table = new JournalTableInMemory();
  for (const [n, { missing, torn, ...one }] of journal.entries()) {
    for (const [part, whole] of partsOf(one).entries()) {
      const content = torn === part ? whole.subarray(0, whole.byteLength >>> 1) : whole;
      if (missing === part) continue;
      const stream = streamOf(TASK, (n + part) % SHARDS);
      table.add({ stream, place: placeOf(n, part), low: Math.min(low, n), bytes: () => content });
    }
  }
  return table;
}

function partsOf({ entries, parts, isEven }: Pick<Commit, 'entries' | 'parts' | 'isEven'>): Uint8Array[] {
  const records = entries.map((one) => encodeEntries([one]));
  const units = isEven ? records : [...encodeEntries(entries)].map((byte) => Buffer.of(byte));
  const size = Math.max(1, Math.ceil(units.length / parts));
  return Array.from({ length: parts }, (_, n) => Buffer.concat(units.slice(n * size, (n + 1) * size)));
}

function texts(tails: readonly JournaledTail[]): string[] {
  return tails
    .map((tail) =>
      [tail.session, tail.segment, Buffer.from(tail.content).toString('hex'), markOf(tail)].join(' '),
    )
    .toSorted();
}

describe('the journal in DynamoDB, streamed', () => {
  it('is what it was when all of it was held: with parts missing, records torn, and a beginning that counts no more', async () => {
    await fc.assert(
      fc.asyncProperty(commits, fc.nat(8), async (journal, low) => {
        const table = tableOf(journal, low);
        const found = await tailsIn(dynamoJournalRemains(table, TASK));
        expect(texts(found)).toEqual(texts(tailsByTheBook(table.items)));
      }),
      { numRuns: 40 },
    );
  });

  it('keeps what is needed when the rest is cleared, whole and in its place, and goes when nothing is', async () => {
    await fc.assert(
      fc.asyncProperty(commits, fc.nat(4), async (journal, low) => {
        const table = tableOf(journal, low);
        const before = tailsByTheBook(table.items);
        const keep = new Set(before.slice(0, 1).map(({ session }) => session));
        const remains = dynamoJournalRemains(table, TASK);
        await remains.clear(keep);
        const kept = (tails: readonly JournaledTail[]) => tails.filter(({ session }) => keep.has(session));
        expect(texts(kept(await tailsIn(remains)))).toEqual(texts(kept(before)));
        await remains.clear(keep);
        expect(texts(kept(await tailsIn(remains)))).toEqual(texts(kept(before)));
        await remains.clear();
        expect(await tailsIn(remains)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('asks for a handful of pages of a long one at a time, and for nothing of it to clear it', async () => {
    const table = new JournalTableInMemory(10_000);
    for (let n = 0; n < 400; n += 1) {
      const block = Buffer.alloc(3_000, n);
      const one = markedEntry({ session: SESSION_A, segment: n, offset: 0, block }, 1);
      const bytes = (): Uint8Array => encodeEntries([one]);
      table.add({ stream: streamOf(TASK, n % SHARDS), place: placeOf(n), low: 0, parts: 1, bytes });
    }
    const segments: number[] = [];
    const askedFor: number[] = [];
    await dynamoJournalRemains(table, TASK).read(({ segment }) => {
      segments.push(segment);
      askedFor.push(table.asked.length);
    });
    expect(segments).toEqual(Array.from({ length: 400 }, (_, n) => n));
    // Of each shard the end, a page, and the page that is next: 12 items of a shard are three pages.
    expect(askedFor[0]).toBeLessThanOrEqual(3 * SHARDS);
    expect(table.asked.length).toBeGreaterThan(3 * SHARDS);
    table.asked.splice(0);
    await dynamoJournalRemains(table, TASK).clear();
    expect(table.asked).toEqual([...Array.from({ length: SHARDS }, () => 'Query'), 'PutItem']);
  });

  it('of a task that wrote none is not looked for twice', async () => {
    const table = new JournalTableInMemory();
    expect(await tailsIn(dynamoJournalRemains(table, TASK))).toEqual([]);
    expect(table.asked).toHaveLength(SHARDS);
  });
});
