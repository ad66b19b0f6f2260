import type { IssuerConfig } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { issuersVerifier } from './issuers-verifier.ts';
import { Keyring } from './keyring.ts';

/** A verifier for the issuers that the configuration names at the moment; a new one when they change. */
export function currentVerifier(
  issuers: () => readonly IssuerConfig[],
  keyring = new Keyring(),
): () => TokenVerifier {
  let made:
    | { readonly list: readonly IssuerConfig[]; readonly of: string; readonly verifier: TokenVerifier }
    | undefined;
  return () => {
    const list = issuers();
    // Lists of members are long, and whoever shows junk comes here as well: one that is the same is not looked at.
    if (made?.list === list) return made.verifier;
    const of = JSON.stringify(list);
    const verifier = made?.of === of ? made.verifier : issuersVerifier(list, keyring);
    made = { list, of, verifier };
    return verifier;
  };
}
