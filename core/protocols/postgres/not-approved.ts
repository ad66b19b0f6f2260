import { CustodyError } from '#core/errors.ts';

/**
 * What the client is told of what does not pass. Nothing of its text is in it: errors reach the close statement and the log,
 * which more people may read than the recording.
 */
export function notApproved(what: string, why: string): CustodyError {
  return new CustodyError('not-approved', `${what} does not run: ${why}`, {
    hint: 'ask for the commands that are to run: custody request --statement "…"',
  });
}

/** In a server's words: what comes after a command that failed. */
export function failedTransaction(): CustodyError {
  const message = 'current transaction is aborted, commands ignored until end of transaction block';
  return new CustodyError('transaction-failed', message, { hint: 'end it: ROLLBACK' });
}
