import { CustodyError } from '#core/errors.ts';

/** The names of AWS's errors for a condition that did not hold. */
const CONDITION = ['ConditionalCheckFailedException', 'PreconditionFailed', 'ConditionalRequestConflict'];

/** Whether a conditional write was refused because its condition did not hold. */
export function isConditionFailed(thrown: unknown): boolean {
  return CONDITION.includes(nameOf(thrown));
}

/** The SDK tried more than once: what stands in the way may be what an attempt left whose answer was lost. */
export function isOwnEarlierTry(thrown: unknown): boolean {
  return ((thrown as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1) > 1;
}

/**
 * Why each write of a refused transaction was refused, in their order (`None` where it was not); undefined when `thrown` is
 * something else. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
export function transactionReasons(thrown: unknown): readonly string[] | undefined {
  if (nameOf(thrown) !== 'TransactionCanceledException') return undefined;
  const { CancellationReasons = [] } = thrown as { CancellationReasons?: readonly { Code?: string }[] };
  return CancellationReasons.map(({ Code = 'None' }) => Code);
}

/** What AWS could not do, as our error. `what`: for the operator. Our own errors pass unchanged. */
export function awsFailure(thrown: unknown, what: string): CustodyError {
  if (thrown instanceof CustodyError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new CustodyError('store-unavailable', 'the gateway cannot reach what it keeps its state in', {
    hint: 'try again in a moment; tell whoever runs the gateway if it stays so',
    detail: `${what}: ${nameOf(thrown)}: ${text}`,
    cause: thrown,
  });
}

/** Does `work`, and makes our error of whatever AWS says. */
export async function reaching<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw awsFailure(thrown, what);
  }
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'error';
}
