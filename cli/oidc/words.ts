import { CustodyError } from '#core/errors.ts';
import { failureWords } from '../failure-words.ts';
import type { Plan } from './plan.ts';

/** Errors of RFC 6749 (sections 4.1.2.1, 5.2), RFC 8628 (section 3.5) and OpenID Connect Core 1.0 (section 3.1.2.6). */
const WORDS: Readonly<Record<string, string>> = {
  expired_token: 'the code was not confirmed in time',
  access_denied: 'it was refused in the browser',
  authorization_pending: 'the code has not been confirmed yet',
  slow_down: 'the identity provider asks for more patience',
  invalid_client: 'the identity provider does not know this client',
  unauthorized_client: 'the identity provider does not let this client log in so',
  unsupported_grant_type: 'the identity provider has no such way to log in',
  invalid_scope: 'the identity provider does not give this client what it asks for',
  invalid_grant: 'the identity provider does not accept this login any more',
  consent_required: 'nobody consented to this client',
  interaction_required: 'the identity provider wants to ask something',
  server_error: 'the identity provider has failed',
  temporarily_unavailable: 'the identity provider is overloaded or being worked on',
};

/** What openid-client or the issuer said, as one line. */
export function oidcError(what: string, cause: unknown, hint: string): CustodyError {
  return new CustodyError('token-invalid', `${what}: ${oidcReason(cause)}`, { hint, cause });
}

export function oidcReason(cause: unknown): string {
  if (cause instanceof CustodyError) return cause.message;
  const [error, description] = saidBy(cause);
  if (error === undefined) return failureWords(cause);
  const words = WORDS[error] ?? `the identity provider says ${error}`;
  return description === '' ? words : `${words} (${description})`;
}

/** What a person or whoever keeps custody.yaml can do about it; undefined when nothing is known. */
export function adviceFor(cause: unknown, plan: Plan, scope: string): string | undefined {
  const [error = '', description] = saidBy(cause);
  const { clientId, prompt } = plan;
  if (/client.?secret/i.test(description))
    return `the client ${clientId} is one with a secret: register a public (native) one; a desktop client of Google has its secret under login.clientSecret in custody.yaml`;
  if (error === 'invalid_scope')
    return `it was asked for "${scope}": in custody.yaml, login.scopes names what ${clientId} may have; for once: custody login --scope "openid email"`;
  if (['invalid_client', 'unauthorized_client'].includes(error))
    return `register ${clientId} there as a public (native) client that may use authorization codes, refresh tokens and, for --device, device codes`;
  if (['consent_required', 'interaction_required', 'access_denied'].includes(error) && prompt === 'consent')
    return 'where people may not consent, let an administrator do it for all, and leave login.prompt out of custody.yaml';
  return undefined;
}

interface Said {
  readonly error?: unknown;
  readonly error_description?: unknown;
}

/** Error and description of RFC 6749 section 5.2. */
function saidBy(cause: unknown): readonly [error: string | undefined, description: string] {
  const { error, error_description: description } = Object(cause) as Said;
  return [typeof error === 'string' ? error : undefined, typeof description === 'string' ? description : ''];
}
