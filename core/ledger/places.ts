import { asCustodyError } from '../errors.ts';
import { parseLeaf } from './leaf.ts';
import { leafHash } from './merkle.ts';
import type { LeafPlace } from './ports.ts';
import { numberedEntries, type Staging } from './staging.ts';

/** Where a commit's leaves about sessions' statements are. Throws `format-invalid` for a bundle that cannot be read. */
export function placesIn(staging: Staging): LeafPlace[] {
  const own = new Set(staging.leaves);
  return numberedEntries(staging)
    .filter(({ entry }) => own.has(leafHash(entry).toString('hex')))
    .flatMap(({ index, entry }) => {
      const session = sessionStatedBy(entry);
      return session === undefined ? [] : [{ session, index }];
    });
}

/** The session whose opening or end an entry is about. A leaf that cannot be read is the audit's business. */
export function sessionStatedBy(entry: Uint8Array): string | undefined {
  try {
    const leaf = parseLeaf(entry);
    return leaf !== undefined && 'statement' in leaf ? leaf.session : undefined;
  } catch (error) {
    if (asCustodyError(error).code !== 'format-invalid') throw error;
    return undefined;
  }
}
