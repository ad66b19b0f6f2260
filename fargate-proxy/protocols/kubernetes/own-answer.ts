/** What the gateway says itself, as the API server would: a `Status`. */
import type { CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { messageOf, statusOf } from '#core/protocols/kubernetes/status.ts';
import type { Asking } from './asking.ts';
import { flat } from './pairs.ts';

export interface OwnAnswer {
  readonly code: number;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly body: Uint8Array;
}

/** Which groups and versions there are: mostly a client's first question. */
const DISCOVERY = /^\/(?:clusters\/.*?\/)?(?:api|apis|version)(?:\/[a-z0-9.-]+){0,2}\/?(?:\?|$)/;

export function ownAnswer(error: CustodyError, { method, target }: Asked, call?: Call): OwnAnswer {
  const answer = statusOf(error, call);
  const isDiscovery = method === 'GET' && DISCOVERY.test(target);
  return isDiscovery ? inWords(error, answer.code) : answered(answer.code, flat(answer.headers), answer.body);
}

type Asked = Pick<Asking, 'method' | 'target'>;

/**
 * Of a refused discovery client-go prints what is `text/plain`, and of a `Status` only "unknown"; clients before 1.27 read neither, and
 * pass over a 403 as if the cluster had nothing.
 */
function inWords(error: CustodyError, code: number): OwnAnswer {
  const { headers } = statusOf(error);
  const more = flat(headers.filter(([name]) => name !== 'Content-Type'));
  return answered(
    code,
    ['Content-Type', 'text/plain; charset=utf-8', ...more],
    Buffer.from(messageOf(error)),
  );
}

function answered(code: number, headers: readonly string[], body: Uint8Array): OwnAnswer {
  return { code, headers: [...headers, 'Content-Length', String(body.length)], body };
}

/** To a client that is of no session yet. */
export function refuseAsking(asking: Asking, error: CustodyError): void {
  if (asking.gone) return;
  const { code, headers, body } = ownAnswer(error, asking);
  asking.answerWith(code, headers, body);
}
