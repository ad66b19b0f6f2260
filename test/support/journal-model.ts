import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { linesOf, manifestOf } from '#core/recording/manifest.ts';
import type { JournalEntry, JournaledTail } from '#core/recording/ports.ts';
import { markedEntry } from './journal-entries.ts';
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
      heads: fc.nat(3),
    }),
    { maxLength: 10 },
  )
  .map((asked) => {
    const lengths = new Map<string, number>();
    let last: { readonly manifest: Uint8Array; readonly mark: number } | undefined;
    return asked.map(({ session, segment, block, gap, mark, heads }) => {
      const length = lengths.get(`${session}/${segment}`) ?? 0;
      const offset = Math.max(0, length + gap);
      if (offset === length) lengths.set(`${session}/${segment}`, offset + block.byteLength);
      const bare = { session, segment, offset, block };
      // By itself, or under a new manifest, or under the last one.
      if (heads === 0) return markedEntry(bare, mark);
      if (heads < 3) last = { manifest: manifestOf(linesOf(Buffer.alloc(32 * heads, mark))), mark };
      return markedEntry(bare, last?.mark ?? mark, last?.manifest);
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

/** Written by the book, too: core/recording/journal-record.ts and journal-entry-record.ts. */
function* recordsIn(run: Buffer): Generator<JournalEntry> {
  let voucher: { signature: Uint8Array; manifest: Uint8Array } | undefined;
  for (let at = 0; at + 108 <= run.byteLength; ) {
    const size = run.readUInt32LE(at + 4) + 8;
    const magic = run.toString('latin1', at, at + 4);
    if (!['CJM1', 'CJL2'].includes(magic) || size < 108 || at + size > run.byteLength) return;
    const body = run.subarray(at + 12, at + size);
    if (crc32(body) !== run.readUInt32LE(at + 8)) return;
    at += size;
    if (magic === 'CJM1') {
      const lines = [...body.subarray(64)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const text = `custody/manifest/1\n${lines.replace(/.{64}/g, '$&\n')}`;
      voucher = { signature: body.subarray(0, 64), manifest: Buffer.from(text) };
    } else {
      const own = body[110] === 1 ? { signature: body.subarray(111, 175) } : undefined;
      yield entryIn(body, own ?? voucher!, body.subarray(own === undefined ? 111 : 175));
    }
  }
}

function entryIn(body: Buffer, voucher: JournalEntry['voucher'], block: Uint8Array): JournalEntry {
  const session = body.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const segment = body.readUInt32LE(16);
  const head = {
    ...{ type: 'custody/head/1' as const, session, segment },
    frames: body.readUIntLE(28, 6),
    bytes: body.readUIntLE(34, 6),
    content: body.readUInt32LE(24),
    sha256: body.toString('hex', 46, 78),
    previous: body.toString('hex', 78, 110),
    until: body.readUIntLE(40, 6),
  };
  return { session, segment, offset: body.readUInt32LE(20), block, head, voucher };
}

function join(tails: Map<string, JournaledTail>, entry: JournalEntry) {
  const { session, segment, offset, block, head, voucher } = entry;
  const known = tails.get(`${session}/${segment}`);
  if (offset !== (known?.content.byteLength ?? 0)) return;
  const content = Buffer.concat([known?.content ?? new Uint8Array(0), block]);
  tails.set(`${session}/${segment}`, { session, segment, content, head, voucher });
}
