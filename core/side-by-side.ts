/**
 * Waits for both, then rejects with the first rejection in their order: nothing that was begun goes on behind whoever is told that it
 * failed.
 */
export async function sideBySide<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** Begun now and awaited later: until then nobody is told that it was rejected. */
export function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
