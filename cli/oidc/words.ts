import { CustodyError } from '#core/errors.ts';
import { failureWords } from '../failure-words.ts';

/** Errors of RFC 6749 (sections 4.1.2.1, 5.2) and RFC 8628 (section 3.5). */
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
  server_error: 'the identity provider has failed',
  temporarily_unavailable: 'the identity provider is overloaded or being worked on',
};

/** What openid-client or the issuer said, as one line. */
export function oidcError(what: string, cause: unknown, hint: string): CustodyError {
  return new CustodyError('token-invalid', `${what}: ${reasonOf(cause)}`, { hint, cause });
}

function reasonOf(cause: unknown): string {
  const { error, error_description: description } = cause as { error?: unknown; error_description?: unknown };
  if (typeof error !== 'string') return failureWords(cause);
  const words = WORDS[error] ?? `the identity provider says ${error}`;
  return typeof description === 'string' && description !== '' ? `${words} (${description})` : words;
}
