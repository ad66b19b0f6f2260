import { isConditionFailed, transactionReasons } from './failure.ts';

/** Placeholders for attribute names: `named('state')` is `{ '#state': 'state' }`. DynamoDB reserves hundreds of words. */
export function named(...attributes: readonly string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((name) => [`#${name}`, name]));
}

/** Placeholders for values: `valued({ id: 1 })` is `{ ':id': 1 }`. */
export function valued(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value]));
}

/** Resolves false where the condition of a write does not hold. */
export async function holds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (thrown) {
    if (isConditionFailed(thrown)) return false;
    throw thrown;
  }
}

const TRIES = 12;
const PAUSE_MS = 15;

/**
 * Repeats a transaction that met another on the same item. Resolves with why its writes were refused where a condition did
 * not hold, and with undefined when it is done.
 */
export async function transacting(send: () => Promise<unknown>): Promise<readonly string[] | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      await send();
      return undefined;
    } catch (thrown) {
      const reasons = transactionReasons(thrown) ?? [];
      if (reasons.includes('ConditionalCheckFailed')) return reasons;
      if (!reasons.includes('TransactionConflict') || tries === TRIES) throw thrown;
      await new Promise((resume) => setTimeout(resume, PAUSE_MS * tries * (1 + Math.random())));
    }
  }
}
