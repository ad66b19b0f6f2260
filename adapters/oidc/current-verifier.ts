import type { Identity } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { oidcTokenVerifier } from './token-verifier.ts';

/** A verifier for the identity provider that the configuration names at the moment; a new one when that changes. */
export function currentVerifier(identity: () => Identity): () => TokenVerifier {
  let made: { readonly of: string; readonly verifier: TokenVerifier } | undefined;
  return () => {
    const of = JSON.stringify(identity());
    if (made?.of !== of)
      made = { of, verifier: oidcTokenVerifier({ ...identity(), allowHttpLoopback: true }) };
    return made.verifier;
  };
}
