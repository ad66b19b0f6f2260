/** What the gateway says itself, as the API server would: a `Status`. */
import { CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { messageOf, type StatusAnswer, statusOf } from '#core/protocols/kubernetes/status.ts';
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

export function ownAnswer(error: CustodyError, { method, target, headers }: Asked, call?: Call): OwnAnswer {
  const answer = statusOf(error, call);
  if (!isDiscovery({ method, target })) return answered(answer.code, flat(answer.headers), answer.body);
  return readsWords(headers) ? inWords(error, answer.code) : asBadRequest(error, answer);
}

export function isDiscovery({ method, target }: Pick<Asking, 'method' | 'target'>): boolean {
  return method === 'GET' && DISCOVERY.test(target);
}

type Asked = Pick<Asking, 'method' | 'target' | 'headers'>;

function readsWords(headers: readonly string[]): boolean {
  return headers.some((value, at) => at % 2 === 1 && value.includes('apidiscovery.k8s.io'));
}

/** A client before 1.27 passes over a 403 here as if the cluster had nothing, and says that there are no pods. */
function asBadRequest(error: CustodyError, { code, headers, body }: StatusAnswer): OwnAnswer {
  if (code !== 403) return answered(code, flat(headers), body);
  const bad = statusOf(
    new CustodyError(
      'protocol-violation',
      error.message,
      error.hint === undefined ? {} : { hint: error.hint },
    ),
  );
  return answered(bad.code, flat(bad.headers), bad.body);
}

/**
 * Of a refused discovery client-go prints what is `text/plain`, and of a `Status` only "unknown".
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
