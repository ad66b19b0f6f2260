/** Constants and shapes of FORMAT.md: all that writer and reader of an index share. */
import { z } from 'zod';

/** Of this layout. Another layout has another, and another name in the store. */
export const FORMAT_VERSION = 1;

export const DIRECTORY = 'directory.json';
/** What the steps came to (core/replay/summary). */
export const SUMMARY = 'summary.json';
export const SUMMARY_MAX_BYTES = 8 << 20;

/** Characters of steps after which a chunk is full. */
export const CHUNK_CHARACTERS = 1 << 20;
/** Of one step's JSON: what is longer is told in words. No step of the `page` extent comes near it. */
export const STEP_MAX_CHARACTERS = 2 << 20;
/** Bytes that a chunk may decompress to: the last step of it may be the longest, and a character three bytes. */
export const CHUNK_MAX_BYTES = 3 * (CHUNK_CHARACTERS + STEP_MAX_CHARACTERS + 256);
/** zstd adds less than this to what it cannot compress. */
export const CHUNK_FILE_MAX_BYTES = CHUNK_MAX_BYTES + (CHUNK_MAX_BYTES >>> 8) + 1024;
export const CHUNKS_A_PAGE = 256;
/** More would make a directory that does not fit into memory at ease: a million chunks are a terabyte of steps. */
export const PAGES_MAX = 4_096;
export const SEGMENTS_A_PAGE = 4_096;
export const PAGE_MAX_BYTES = 1 << 20;
export const DIRECTORY_MAX_BYTES = 8 << 20;
export const FINDINGS_MAX = 20;
const NAMES_MAX = 64;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const counts = z.record(z.string(), count).refine((found) => Object.keys(found).length <= NAMES_MAX);

/** What some consecutive steps are, in sum. */
const tallySchema = z.strictObject({
  /** The number of the first. */
  first: count.min(1),
  steps: count,
  errors: count,
  writes: count,
  /** The earliest and the latest `at`, microseconds; 0 where there are no steps. */
  from: z.number(),
  to: z.number(),
  /** The first and the last segment that something of them came from. */
  segments: z.tuple([count, count]),
  kinds: counts,
  outcomes: counts,
});
export type Tally = z.infer<typeof tallySchema>;

const stored = { sha256, bytes: count };

const chunkSchema = z.strictObject({ ...tallySchema.shape, ...stored });
export type Chunk = z.infer<typeof chunkSchema>;

const pageSchema = z.strictObject({ ...tallySchema.shape, ...stored });
export type Page = z.infer<typeof pageSchema>;

/** An object `page-00000007.json`. */
export const chunksSchema = z.array(chunkSchema).max(CHUNKS_A_PAGE);

/** A segment: number, size, SHA-256. */
const segmentSchema = z.tuple([count, count, sha256]);
export type SegmentEntry = z.infer<typeof segmentSchema>;

/** An object `segments-00000000.json`. */
export const segmentsSchema = z.array(segmentSchema).max(SEGMENTS_A_PAGE);

const findingSchema = z.strictObject({ code: z.string(), object: z.string(), message: z.string() });

/** What of the evidence, and of what is asked of it, an index was made of. */
const madeOfSchema = z.strictObject({
  /** SHA-256 of what is no segment, by names. */
  statements: z.record(z.string(), sha256),
  /** How many objects there were, and the SHA-256 of lines `size name`, sorted by name. */
  objects: count,
  list: sha256,
  /** SHA-256 of the signers that were trusted, sorted, and the ledger that was expected. */
  trusted: z.array(sha256),
  ledger: z.string().optional(),
});
export type MadeOf = z.infer<typeof madeOfSchema>;

export const directorySchema = z.strictObject({
  type: z.literal('custody/step-index/1'),
  reader: count,
  session: z.string(),
  protocol: z.string(),
  startedAt: z.string(),
  madeOf: madeOfSchema,
  verdict: z.enum(['verified', 'incomplete', 'unanchored', 'failed']),
  findings: z.array(findingSchema).max(FINDINGS_MAX),
  /** All of them. */
  found: count,
  completeness: z.string().optional(),
  total: tallySchema,
  pages: z.array(pageSchema).max(PAGES_MAX),
  segments: z.array(z.strictObject({ first: count, last: count, ...stored })).max(PAGES_MAX),
  summary: z.strictObject(stored),
});
export type Directory = z.infer<typeof directorySchema>;

export function chunkName(number: number): string {
  return `chunk-${padded(number)}.zst`;
}

export function pageName(number: number): string {
  return `page-${padded(number)}.json`;
}

export function segmentsName(number: number): string {
  return `segments-${padded(number)}.json`;
}

function padded(number: number): string {
  return String(number).padStart(8, '0');
}

/** The folder of one index among those of a session: `1-1-0`. The last number is another where one before it was no good. */
export function attemptName(reader: number, attempt: number): string {
  return `${FORMAT_VERSION}-${reader}-${attempt}`;
}

/** The number of an attempt of this format and reader; undefined for anything else. */
export function attemptNumber(name: string, reader: number): number | undefined {
  const [, attempt] = new RegExp(`^${FORMAT_VERSION}-${reader}-(\\d{1,6})$`).exec(name) ?? [];
  return attempt === undefined ? undefined : Number(attempt);
}
