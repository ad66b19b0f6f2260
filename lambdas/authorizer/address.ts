/** Where a call to the API comes from. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { EDGE_SECRET, EDGE_VIEWER } from '../../console/build/edge-headers.ts';

export type AddressOf = (event: APIGatewayRequestAuthorizerEventV2) => Promise<string>;

/** How long a secret is held: one that was changed counts after that. */
const HELD_MS = 60_000;

/** The connection's own address: headers say whatever their sender likes (security case 19). */
export const connectionOf: AddressOf = async (event) => event.requestContext.http.sourceIp;

/**
 * The viewer's address, as our own CloudFront tells it; the connection's for every call that does not show the secret that the two
 * share. `secret` is asked for when something is shown first; where it cannot be had, nobody is let in.
 */
export function throughEdge(secret: (() => Promise<string>) | undefined, nowMs: () => number): AddressOf {
  if (secret === undefined) return connectionOf;
  const held = holding(secret, nowMs);
  return async (event) => {
    const { [EDGE_SECRET]: shown, [EDGE_VIEWER]: viewer = '' } = event.headers ?? {};
    if (shown === undefined || !isSame(shown, await held())) return connectionOf(event);
    return isIP(viewer) === 0 ? connectionOf(event) : viewer;
  };
}

function holding(secret: () => Promise<string>, nowMs: () => number): () => Promise<string> {
  let held: { readonly text: string; readonly until: number } | undefined;
  return async () => {
    if (held === undefined || held.until <= nowMs())
      held = { text: await secret(), until: nowMs() + HELD_MS };
    return held.text;
  };
}

/** Of the hashes, which have one length: how long it takes tells nothing of the secret. */
function isSame(shown: string, secret: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return secret !== '' && timingSafeEqual(hash(shown), hash(secret));
}
