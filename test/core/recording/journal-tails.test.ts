import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntries, encodeEntries, RecordReader } from '#core/recording/journal-record.ts';
import {
  batchesOf,
  bytesOf,
  type Held,
  isWhole,
  readTails,
  type SegmentBytes,
  surveyTails,
} from '#core/recording/journal-tails.ts';
import type { JournalEntry, JournaledTail } from '#core/recording/ports.ts';
import { entry, markOf, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import { randomEntries } from '#test/support/journal-model.ts';
import { remainsOfEntries, tailsIn } from '#test/support/remains.ts';

const held = fc
  .array(fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 0, max: 30 })), { maxLength: 4 }), { maxLength: 8 })
  .map((sessions): Held => new Map(sessions.map((segments, n) => [`s${n}`, new Map(segments)])));

function asText(entries: Iterable<JournalEntry>): string[] {
  return [...entries].map(({ session, segment, offset, block }) =>
    [session, segment, offset, Buffer.from(block).toString('hex')].join(' '),
  );
}

describe('records that come in pieces', () => {
  it('are those of the whole, wherever it is cut and whatever is damaged', () => {
    const cuts = fc.array(fc.nat(6_000), { maxLength: 12 });
    fc.assert(
      fc.property(randomEntries, cuts, fc.option(fc.nat(6_000)), (entries, places, damage) => {
        const whole = encodeEntries(entries);
        expect(asText(decodeEntries(whole))).toEqual(asText(entries));
        if (damage !== null && damage < whole.byteLength) whole[damage]! ^= 1;
        const reader = new RecordReader();
        const ends = [
          ...places.filter((at) => at < whole.byteLength).toSorted((a, b) => a - b),
          whole.byteLength,
        ];
        const read = ends.flatMap((end, n) => asText(reader.read(whole.subarray(ends[n - 1] ?? 0, end))));
        expect(read).toEqual(asText(decodeEntries(whole)));
      }),
    );
  });

  it('are held no longer than they may be: what says that it is longer than a segment is none', () => {
    const record = encodeEntries([entry(SESSION_A, 0, 0, 'abc')]);
    record.writeUInt32LE(200 << 20, 4);
    const reader = new RecordReader();
    expect([[...reader.read(record)], reader.heldBytes]).toEqual([[], 0]);
    // It is over: nothing that comes is kept, or read.
    const whole = encodeEntries([entry(SESSION_A, 0, 0, 'abc')]);
    expect([[...reader.read(whole)], reader.heldBytes]).toEqual([[], 0]);
  });

  it('are held while they are not complete, and not behind one that is damaged', () => {
    const record = encodeEntries([entry(SESSION_A, 0, 0, 'abc')]);
    const reader = new RecordReader();
    expect([[...reader.read(record.subarray(0, 150))], reader.heldBytes]).toEqual([[], 150]);
    record[151]! ^= 1;
    expect([[...reader.read(record.subarray(150))], reader.heldBytes]).toEqual([[], 0]);
  });
});

describe('a journal', () => {
  it('read in batches is what it is when it is held whole', async () => {
    await fc.assert(
      fc.asyncProperty(randomEntries, fc.integer({ min: 1, max: 60 }), async (entries, maxBytes) => {
        const remains = remainsOfEntries(() => entries);
        const found: JournaledTail[] = [];
        for (const batch of batchesOf(await surveyTails(remains), maxBytes)) {
          const tails = await readTails(remains, batch);
          for (const [session, of] of tails) expect(isWhole(of, batch.held.get(session)!)).toBe(true);
          found.push(...[...tails.values()].flat());
        }
        expect(sorted(found)).toEqual(sorted(await tailsIn(remains)));
      }),
    );
  });

  it('that holds less by now is told from one that is whole', async () => {
    const first = entry(SESSION_A, 0, 0, 'abc');
    const entries = [first, entry(SESSION_A, 0, 3, 'def'), entry(SESSION_B, 1, 0, 'x')];
    const before = await surveyTails(remainsOfEntries(() => entries));
    const tails = await readTails(
      remainsOfEntries(() => [first]),
      { held: before },
    );
    expect(isWhole(tails.get(SESSION_A)!, before.get(SESSION_A)!)).toBe(false);
    expect(isWhole(tails.get(SESSION_B)!, before.get(SESSION_B)!)).toBe(false);
  });

  it('that holds more by now gives what it held: nobody was told that the rest is durable', async () => {
    const entries = [entry(SESSION_A, 0, 0, 'abc')];
    const before = await surveyTails(remainsOfEntries(() => entries));
    entries.push(entry(SESSION_A, 0, 3, 'def'));
    const [tail] = (
      await readTails(
        remainsOfEntries(() => entries),
        { held: before },
      )
    ).get(SESSION_A)!;
    expect(Buffer.from(tail!.content).toString()).toBe('abc');
    expect(markOf(tail!)).toBe('a'.charCodeAt(0));
  });

  it('tells of each entry, for whoever wants to know that there is progress', async () => {
    let seen = 0;
    const remains = remainsOfEntries(() => [entry(SESSION_A, 0, 0, 'a'), entry(SESSION_A, 0, 9, 'b')]);
    const held = await surveyTails(remains, () => void (seen += 1));
    await readTails(remains, { held }, async () => void (seen += 1));
    expect(seen).toBe(4);
  });
});

describe('batches', () => {
  it('hold everything once, no more than they may, and the segments of a session in order', () => {
    fc.assert(
      fc.property(held, fc.integer({ min: 1, max: 60 }), (all, maxBytes) => {
        const batches = batchesOf(all, maxBytes);
        const seen = new Map<string, number[]>();
        for (const { held: of, unfinished } of batches) {
          const count = [...of.values()].reduce((sum, { size }) => sum + size, 0);
          expect(bytesOf(of) <= maxBytes || count === 1).toBe(true);
          for (const [session, segments] of of) {
            seen.set(session, [...(seen.get(session) ?? []), ...segments.keys()]);
            expect(unfinished.has(session)).toBe(seen.get(session)!.length < all.get(session)!.size);
          }
        }
        const inOrder = ([session, segments]: [string, SegmentBytes]) =>
          [session, [...segments.keys()].toSorted((a, b) => a - b)] as const;
        expect(seen).toEqual(new Map([...all].map(inOrder)));
      }),
    );
  });

  it('begin with what is little', () => {
    const all = new Map([
      ['much', new Map([[0, 50]])],
      ['nothing', new Map()],
      ['little', new Map([[3, 1]])],
    ]);
    const [first, ...more] = batchesOf(all, 20).map(({ held: of }) => [...of.keys()]);
    expect([first, more]).toEqual([['nothing', 'little'], [['much']]]);
  });
});

function sorted(tails: readonly JournaledTail[]): string[] {
  return tails
    .map((tail) =>
      [tail.session, tail.segment, Buffer.from(tail.content).toString('hex'), markOf(tail)].join(' '),
    )
    .toSorted();
}
