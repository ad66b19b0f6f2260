/** What a thread tells of what earlier tasks left, which it seals and moves into the ledger: the recorder's, or a parent's. */
import { asCustodyError } from '#core/errors.ts';
import type { Sealing } from '#core/recording/seal.ts';
import type { Log } from '../log.ts';
import { custodyError, type OfEarlierTasks, plainError } from './messages.ts';

export function readyAfter({ sealed, failures }: Sealing): OfEarlierTasks {
  const unsealable = failures.map(({ session, error }) => ({ session, error: plainError(error) }));
  return { kind: 'ready', recovered: sealed, unsealable };
}

export function stalled(thrown: unknown): OfEarlierTasks {
  return { kind: 'ledger-stalled', error: plainError(asCustodyError(thrown)) };
}

/** An error that crosses threads by itself loses its code and its hint. */
export function cannotStart(thrown: unknown): OfEarlierTasks {
  return { kind: 'cannot-start', error: plainError(asCustodyError(thrown)) };
}

/** Whoever started the thread says what it was told; `cannot-start` is said by whoever started that one. */
export function sayOf(message: OfEarlierTasks, log: Log): void {
  switch (message.kind) {
    case 'ready':
      if (message.recovered > 0) log('recovered', undefined, { sessions: message.recovered });
      for (const { session, error } of message.unsealable)
        log('seal-failed', custodyError(error), { session });
      return;
    case 'recovered-late':
      log('recovered', undefined, { sessions: message.sessions });
      return;
    case 'ledger-stalled':
      log('ledger-stalled', custodyError(message.error));
      return;
    case 'cannot-start':
  }
}
