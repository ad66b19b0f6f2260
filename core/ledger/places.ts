import { asCustodyError } from '../errors.ts';
import { type Leaf, parseLeaf } from './leaf.ts';
import { leafHash } from './merkle.ts';
import type { LeafPlace } from './ports.ts';
import { numberedEntries, type Staging } from './staging.ts';

/** Where a commit's leaves about sessions' statements, runs and access requests are. Throws `format-invalid` for a bundle that cannot be read. */
export function placesIn(staging: Staging): LeafPlace[] {
  const own = new Set(staging.leaves);
  return numberedEntries(staging)
    .filter(({ entry }) => own.has(leafHash(entry).toString('hex')))
    .flatMap(({ index, entry }) => {
      const session = subjectOf(entry);
      return session === undefined ? [] : [{ session, index }];
    });
}

/** The session whose opening or end an entry is about. A leaf that cannot be read is the audit's business. */
export function sessionStatedBy(entry: Uint8Array): string | undefined {
  const leaf = readable(entry);
  return leaf !== undefined && 'statement' in leaf ? leaf.session : undefined;
}

/** The id that an entry is found by: of the session that it states, of the run or of the access request whose step it is. */
export function subjectOf(entry: Uint8Array): string | undefined {
  const leaf = readable(entry);
  if (leaf === undefined) return undefined;
  if ('statement' in leaf) return leaf.session;
  if ('request' in leaf) return leaf.request;
  return 'run' in leaf ? leaf.run : undefined;
}

function readable(entry: Uint8Array): Leaf | undefined {
  try {
    return parseLeaf(entry);
  } catch (error) {
    if (asCustodyError(error).code !== 'format-invalid') throw error;
    return undefined;
  }
}
