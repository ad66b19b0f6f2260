import { CustodyError } from '../errors.ts';
import { enter, type LeafSink, loggedOutLeaf } from '../ledger/leaves.ts';
import type { Logout } from './logout-token.ts';
import { type Logouts, markedLogout } from './logouts.ts';

/**
 * A logout counts from when this returns: it is in the ledger's queue first. Whoever dies in between has told nobody that it
 * counts, and the same token enters the same leaf again. Throws `conflict` for a token that was taken before.
 */
export async function takeLogout(logout: Logout, logouts: Logouts, leaves: LeafSink): Promise<void> {
  await enter(loggedOutLeaf(logout), leaves);
  if (await logouts.take(markedLogout(logout))) return;
  throw new CustodyError('conflict', 'this logout token was used before');
}
