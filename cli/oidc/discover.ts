import { allowInsecureRequests, type Configuration, discovery, None } from 'openid-client';
import { isLoopback, safeUrl } from '../http.ts';
import { oidcError } from './words.ts';

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
