/** What the ledger says of sandboxes: each holds the data of a target. */
import { personOf } from '../access/person.ts';
import type { Leaf } from '../ledger/leaf.ts';
import type { Sandbox } from './sandbox.ts';

/** Entered before any of its data is read. The same sandbox always makes the same leaf. */
export function sandboxMadeLeaf({ id, target, from, at, session, by, createdAt, until }: Sandbox): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: 'sandbox-made',
    at: createdAt,
    sandbox: id,
    target,
    from,
    dataAt: at,
    by: personOf(by),
    until,
    ...(session === undefined ? {} : { session }),
  };
}

/** Nothing is left of it. */
export function sandboxRemovedLeaf({ id }: Sandbox, now: Date): Leaf {
  return { type: 'custody/leaf/1', kind: 'sandbox-removed', at: now.toISOString(), sandbox: id };
}
