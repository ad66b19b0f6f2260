/**
 * Does `work` with a signal that is aborted as the first of both is, for as long as the work takes. AbortSignal.any goes on for as long as
 * anybody listens, by weak references: each costs a login as much as a signature, and the garbage collector once more.
 */
export async function untilEither<T>(
  one: AbortSignal,
  other: AbortSignal,
  work: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const abort = (): void => either.abort((one.aborted ? one : other).reason);
  if (one.aborted || other.aborted) abort();
  for (const signal of [one, other]) signal.addEventListener('abort', abort);
  try {
    return await work(either.signal);
  } finally {
    for (const signal of [one, other]) signal.removeEventListener('abort', abort);
  }
}
