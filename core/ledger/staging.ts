/** A commit's tiles in one object: what makes a swapped head good even if who swapped it dies at once. */
import { z } from 'zod';
import { CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { indexOf, isTilePath, readBundle, TILE_WIDTH, widthOf } from './tiles.ts';

/** More than 4096 leaves and their tiles take, in base64. */
export const STAGING_MAX_BYTES = 256 << 20;

export interface Staging {
  /** Tiles and bundles by path. */
  readonly tiles: ReadonlyMap<string, Uint8Array>;
  /** The leaves' ids in the queue. */
  readonly leaves: readonly string[];
}

const stagingSchema = z.object({
  type: z.literal('custody/ledger-staging/1'),
  leaves: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  tiles: z.record(z.string().refine(isTilePath), z.base64()),
});

export function stagingBytes({ tiles, leaves }: Staging): Uint8Array {
  const encoded = [...tiles].map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const);
  const type = 'custody/ledger-staging/1';
  return Buffer.from(JSON.stringify({ type, leaves, tiles: Object.fromEntries(encoded) }));
}

/** Its entries with their numbers in the ledger, also those that earlier commits had in the same bundle. Throws `format-invalid`. */
export function numberedEntries({ tiles }: Staging): { readonly index: number; readonly entry: Buffer }[] {
  const bundles = [...tiles].filter(([path]) => path.startsWith('tile/entries/'));
  return bundles.flatMap(([path, bytes]) =>
    readBundle(bytes, widthOf(path), path).map((entry, n) => ({
      index: indexOf(path) * TILE_WIDTH + n,
      entry,
    })),
  );
}

/** Throws `state-damaged`. `key` is for the message. */
export function readStaging(bytes: Uint8Array, key: string): Staging {
  try {
    const { leaves, tiles } = stagingSchema.parse(parseJson(Buffer.from(bytes).toString()));
    const decoded = Object.entries(tiles).map(
      ([path, base64]) => [path, Buffer.from(base64, 'base64')] as const,
    );
    return { leaves, tiles: new Map(decoded) };
  } catch (cause) {
    throw new CustodyError('state-damaged', `the ledger's ${key} cannot be read`, {
      hint: 'somebody wrote to the store; keep it as it is and look into it',
      cause,
    });
  }
}
