import type { IssuerConfig } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { issuersVerifier } from './issuers-verifier.ts';
import { Keyring } from './keyring.ts';

/** A verifier for the issuers that the configuration names at the moment; a new one when they change. */
export function currentVerifier(
  issuers: () => readonly IssuerConfig[],
  keyring = new Keyring(),
): () => TokenVerifier {
  let made: { readonly of: string; readonly verifier: TokenVerifier } | undefined;
  return () => {
    const of = JSON.stringify(issuers());
    if (made?.of !== of) made = { of, verifier: issuersVerifier(issuers(), keyring) };
    return made.verifier;
  };
}
