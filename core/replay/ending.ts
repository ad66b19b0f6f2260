import type { CloseReason } from '#core/recording/format.ts';

/** How a session ended, by its close statement. */
export interface Ending {
  /** Undefined where nothing says it: the session goes on, or was never sealed. */
  readonly reason?: CloseReason | undefined;
}

const WORDS: Readonly<Record<CloseReason, string>> = {
  'client-closed': 'the client said goodbye',
  'client-lost': 'the client went away without a word',
  'target-closed': 'the target ended it, and said why',
  'target-lost': 'the target went away without a word',
  'target-refused': 'the target refused the login',
  'target-unreachable': 'the target was not there, or did not answer in time',
  terminated: 'an operator ended it',
  expired: 'the gateway ended it, as the access had expired',
  revoked: 'the gateway ended it, as the access was withdrawn',
  deviated: 'the gateway ended it, as it left the contract of its task',
  unwatched: 'the gateway ended it, as nobody watched it who had to',
  'not-approved': 'the gateway ended it, as the client sent what was not approved',
  drained: 'the gateway ended it, as it was shut down',
  'recording-failed': 'the gateway ended it, as it could not be recorded any longer',
  'protocol-violation': 'the gateway ended it, as the protocol was broken',
  'gateway-failed': 'the gateway failed',
  recovered: 'the gateway died; what was recorded until then was sealed afterwards',
};

/** Who ended a session. Nothing is said of the client unless the close statement says it. */
export function endingWords({ reason }: Ending): string {
  return reason === undefined ? 'nothing says how it ended: it goes on, or was not sealed' : WORDS[reason];
}
