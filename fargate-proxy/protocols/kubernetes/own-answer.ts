/** What the gateway says itself, as the API server would: a `Status`. */
import type { CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { statusOf } from '#core/protocols/kubernetes/status.ts';
import type { Asking } from './asking.ts';
import { flat } from './pairs.ts';

export interface OwnAnswer {
  readonly code: number;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly body: Uint8Array;
}

export function ownAnswer(error: CustodyError, call?: Call): OwnAnswer {
  const { code, headers, body } = statusOf(error, call);
  return { code, headers: [...flat(headers), 'Content-Length', String(body.length)], body };
}

/** To a client that is of no session yet. */
export function refuseAsking(asking: Asking, error: CustodyError): void {
  if (asking.gone) return;
  const { code, headers, body } = ownAnswer(error);
  asking.answerWith(code, headers, body);
}
