import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { parseJson } from '#core/json.ts';
import type { SearchedStep } from '#core/search/entry.ts';

/** Steps that lie together: what two of them have in common is stored once. */
export const CHUNK_STEPS = 64;
export const CHUNK_CHARACTERS = 512 << 10;

export function packed(steps: readonly SearchedStep[]): Uint8Array {
  return zstdCompressSync(JSON.stringify(steps));
}

/** What this adapter has written itself: nobody else has this file. */
export function unpacked(body: Uint8Array): readonly SearchedStep[] {
  return parseJson(zstdDecompressSync(body).toString('utf8')) as SearchedStep[];
}
