import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretPost,
  type Configuration,
  discovery,
  None,
} from 'openid-client';
import { isLoopback, safeUrl } from '../http.ts';
import type { Plan } from './plan.ts';
import { oidcError } from './words.ts';

/** For each answer: a refresh asks twice, and is over before another custody, which waits for it, gives up. */
const PATIENCE_S = 10;

/** `offline_access` is what makes many issuers give a refresh token (OpenID Connect Core 1.0 section 11); some refuse it. */
const WELCOME = ['email', 'offline_access'];

/** A client at an issuer; one on somebody's machine has no secret that would be one (RFC 8252 section 8.5). */
export type Client = Pick<Plan, 'issuer' | 'clientId' | 'clientSecret'>;

/** OpenID Connect Discovery 1.0. Rejects with words about the issuer when it does not answer. */
export async function discover({ issuer, clientId, clientSecret }: Client): Promise<Configuration> {
  const url = safeUrl(issuer, 'the issuer');
  const execute = isLoopback(url) ? [allowInsecureRequests] : [];
  const auth: ClientAuth = clientSecret === undefined ? None() : ClientSecretPost(clientSecret);
  try {
    return await discovery(url, clientId, undefined, auth, { execute, timeout: PATIENCE_S });
  } catch (cause) {
    throw oidcError(
      `cannot use the identity provider ${issuer}`,
      cause,
      'is it running, and is this its address? Set it with custody login --issuer',
    );
  }
}

/** What to ask for: what the plan says, else as much of what is useful as the issuer says that it has. */
export function scopeOf({ scopes }: Pick<Plan, 'scopes'>, config: Configuration): string {
  const offered = config.serverMetadata().scopes_supported ?? ['email'];
  return (scopes ?? ['openid', ...WELCOME.filter((scope) => offered.includes(scope))]).join(' ');
}
