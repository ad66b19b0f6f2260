import { allowInsecureRequests, type Configuration, discovery, None } from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import { isLoopback, safeUrl } from '../http.ts';

/** `offline_access` is what makes an issuer give a refresh token (OpenID Connect Core 1.0 section 11). */
export const SCOPE = 'openid email offline_access';

/** OpenID Connect Discovery 1.0 for a public client. Rejects with words about the issuer when it does not answer. */
export async function discover(issuer: string, clientId: string): Promise<Configuration> {
  const url = safeUrl(issuer, 'the issuer');
  const execute = isLoopback(url) ? [allowInsecureRequests] : [];
  try {
    return await discovery(url, clientId, undefined, None(), { execute });
  } catch (cause) {
    throw oidcError(
      `cannot use the identity provider ${issuer}`,
      cause,
      'is it running, and is this its address? Set it with custody login --issuer',
    );
  }
}

/** What openid-client or the issuer said, as one line. */
export function oidcError(what: string, cause: unknown, hint: string): CustodyError {
  const {
    error_description: description,
    cause: inner,
    message,
  } = cause as {
    error_description?: string;
    cause?: { code?: string };
    message?: string;
  };
  const reason = description ?? inner?.code ?? message ?? String(cause);
  return new CustodyError('token-invalid', `${what}: ${reason}`, { hint, cause });
}
