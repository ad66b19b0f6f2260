/** Which process a newcomer goes to. */
import { createHash } from 'node:crypto';

/** A process that takes sockets. */
export interface Candidate {
  readonly number: number;
  /** Connections that it has, or that are on their way to it. */
  readonly load: number;
  /** It refuses any session more. */
  readonly isFull: boolean;
  /** It is full as soon as all that are there, or on their way, have logged in. */
  readonly mayBeFull: boolean;
  /** Nothing is on its way to it. */
  readonly isIdle: boolean;
  /** What is on its way to it has been for longer than a busy process takes. */
  readonly isStuck: boolean;
}

/**
 * The one with the fewest connections. One that is busy at this moment is waited for: else whoever is quick would get all of a
 * crowd. One that does not take what it was given is passed over, and one whose places may all be taken comes behind one that has
 * room: nobody is to be refused while there is some. Undefined: nobody now.
 */
export function emptiest<T extends Candidate>(all: readonly T[]): T | undefined {
  const taking = all.filter(({ isStuck }) => !isStuck);
  const [first] = taking.toSorted(
    (a, b) =>
      Number(a.isFull) - Number(b.isFull) ||
      Number(a.mayBeFull) - Number(b.mayBeFull) ||
      a.load - b.load ||
      Number(b.isIdle) - Number(a.isIdle),
  );
  return first?.isIdle === true ? first : undefined;
}

/**
 * For a protocol whose sessions are joined by several connections: all of one address go to one process, as long as that one takes
 * them. Otherwise the emptiest.
 */
export function ownOf<T extends Candidate>(all: readonly T[], address: string, of: number): T | undefined {
  const own = all.find(({ number }) => number === placeOf(address, of));
  if (own === undefined || own.isStuck) return emptiest(all);
  return own.isIdle ? own : undefined;
}

/** From 1 to `of`, always the same for one address. */
export function placeOf(address: string, of: number): number {
  return 1 + (createHash('sha256').update(address).digest().readUInt32BE() % of);
}
