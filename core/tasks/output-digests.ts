/** Digests of a task's outputs as bytes, for stores: a line of JSON, and behind it the digests of each column in turn. */

import { z } from 'zod';
import { CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { OutputDigests } from './store.ts';

/** Different values of one column: more are not kept where a later task takes values from it, which is a deviation (FORMAT.md, "Limits"). */
export const COLUMN_VALUES_MAX = 200_000;
/** Of all columns of one execution: 16 MB as bytes. */
export const VALUES_MAX = 1_000_000;
const DIGEST_BYTES = 16;
const DIGEST = /^[0-9a-f]{32}$/;
const NEWLINE = 0x0a;

const headSchema = z.strictObject({
  columns: z.array(z.tuple([z.string(), z.int().min(0).max(COLUMN_VALUES_MAX)])).max(10_000),
  streams: z.array(z.tuple([z.string(), z.string().regex(/^[0-9a-f]{64}$/), z.int().min(0)])).max(10_000),
});

/** The same for the same digests, in whatever order they were found. Throws `format-invalid` for more than a store takes. */
export function encodeOutputs({ columns, streams }: OutputDigests): Buffer {
  const sorted = [...columns].toSorted(byName);
  if (sorted.some(([, { size }]) => size > COLUMN_VALUES_MAX)) throw invalid('a column has too many values');
  const all = sorted.flatMap(([, digests]) => [...digests].toSorted());
  if (all.length > VALUES_MAX) throw invalid('there are too many values');
  if (!all.every((digest) => DIGEST.test(digest))) throw invalid('a digest is none');
  const head = {
    columns: sorted.map(([name, { size }]) => [name, size]),
    streams: [...streams].toSorted(byName).map(([name, { sha256, bytes }]) => [name, sha256, bytes]),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), Buffer.from(all.join(''), 'hex')]);
}

/** Throws `format-invalid`. */
export function decodeOutputs(bytes: Uint8Array): OutputDigests {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(NEWLINE);
  const head = headSchema.safeParse(end < 0 ? undefined : jsonOf(buffer.subarray(0, end)));
  if (!head.success) throw invalid('their head cannot be read');
  let at = end + 1;
  const columns = head.data.columns.map(([name, count]) => {
    const digests = digestsAt(buffer, at, count);
    at += count * DIGEST_BYTES;
    return [name, digests] as const;
  });
  if (at !== buffer.byteLength) throw invalid('they have another length than their head says');
  const streams = head.data.streams.map(
    ([name, sha256, length]) => [name, { sha256, bytes: length }] as const,
  );
  return { columns: new Map(columns), streams: new Map(streams) };
}

function digestsAt(buffer: Buffer, at: number, count: number): ReadonlySet<string> {
  const digests = new Set<string>();
  if (at + count * DIGEST_BYTES > buffer.byteLength) throw invalid('they are cut off');
  const text = buffer.toString('hex', at, at + count * DIGEST_BYTES);
  for (let from = 0; from < text.length; from += 2 * DIGEST_BYTES)
    digests.add(text.slice(from, from + 2 * DIGEST_BYTES));
  return digests;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', `digests of outputs cannot be used: ${what}`);
}
