/**
 * Recorded bytes of the longest session that the indexer takes on. One CPU verifies, decodes and packs 27 MB of PostgreSQL a second
 * (`npm run bench:replay`), so this takes it half of the 15 minutes that a function may run.
 */
export const INDEXED_MAX_BYTES = 10e9;
