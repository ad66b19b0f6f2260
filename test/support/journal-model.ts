import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { TRAILER_BYTES } from '#core/recording/format.ts';
import type { JournalEntry, JournaledTail } from '#core/recording/ports.ts';
import type { TableItem } from './journal-table.ts';

const SESSIONS = Array.from({ length: 2 }, (_, n) => `019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3${n}`);

/** Entries as a task appends them: mostly one behind the other, some that follow on nothing. */
export const randomEntries: fc.Arbitrary<JournalEntry[]> = fc
  .array(
    fc.record({
      session: fc.constantFrom(...SESSIONS),
      segment: fc.nat(1),
      block: fc.uint8Array({ maxLength: 20 }),
      gap: fc.constantFrom(0, 0, 0, 0, 1, -1),
      mark: fc.nat(255),
    }),
    { maxLength: 10 },
  )
  .map((asked) => {
    const lengths = new Map<string, number>();
    return asked.map(({ session, segment, block, gap, mark }) => {
      const length = lengths.get(`${session}/${segment}`) ?? 0;
      const offset = Math.max(0, length + gap);
      if (offset === length) lengths.set(`${session}/${segment}`, offset + block.byteLength);
      return { session, segment, offset, block, trailer: new Uint8Array(TRAILER_BYTES).fill(mark) };
    });
  });

/**
 * What a journal's items mean, in the way in which it was read when all of it was held in memory: the last item of each shard
 * tells where to begin, a commit counts up to its first missing part and the first record that is torn, and of each segment what
 * follows on.
 */
export function tailsByTheBook(items: readonly TableItem[]): JournaledTail[] {
  const low = Math.max(0, ...items.map((item) => item.low));
  const found = items.filter(({ place }) => place < ':' && Number(place.split('/')[0]) >= low);
  const sorted = found.toSorted((a, b) => (a.place < b.place ? -1 : 1));
  const tails = new Map<string, JournaledTail>();
  for (const parts of Map.groupBy(sorted, ({ place }) => place.split('/')[0]).values()) {
    const gap = parts.findIndex(({ place }, n) => Number(place.split('/')[1]) !== n);
    const there = gap === -1 ? parts : parts.slice(0, gap);
    for (const entry of recordsIn(Buffer.concat(there.map(({ bytes }) => bytes!())))) join(tails, entry);
  }
  return [...tails.values()];
}

function* recordsIn(run: Buffer): Generator<JournalEntry> {
  for (let at = 0; at + 548 <= run.byteLength; ) {
    const size = run.readUInt32LE(at + 4) + 8;
    if (run.toString('latin1', at, at + 4) !== 'CJL1' || size < 548 || at + size > run.byteLength) return;
    const record = run.subarray(at, at + size);
    if (crc32(record.subarray(12)) !== record.readUInt32LE(8)) return;
    const hex = record.toString('hex', 12, 28);
    yield {
      session: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      segment: record.readUInt32LE(28),
      offset: record.readUInt32LE(32),
      trailer: record.subarray(36, 548),
      block: record.subarray(548),
    };
    at += size;
  }
}

function join(tails: Map<string, JournaledTail>, { session, segment, offset, block, trailer }: JournalEntry) {
  const known = tails.get(`${session}/${segment}`);
  if (offset !== (known?.content.byteLength ?? 0)) return;
  const content = Buffer.concat([known?.content ?? new Uint8Array(0), block]);
  tails.set(`${session}/${segment}`, { session, segment, content, trailer });
}
