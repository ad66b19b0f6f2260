import { issuersVerifier } from '#adapters/oidc/issuers-verifier.ts';
import { type Config, parseConfig } from '#core/access/config.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';

/** A custody.yaml with these issuers (YAML, one a text) and rules, and one target, db. */
export function configOf(issuers: readonly string[], rules: readonly string[] = []): Config {
  const text = `version: 1
identity: [${issuers.map((issuer) => `\n  { ${issuer} }`).join(',')}]
targets:
  db: { protocol: postgres, address: "db.internal:5432", database: main, credential: { user: app, passwordFile: x } }
rules: [${rules.map((rule) => `\n  { ${rule} }`).join(',')}]
`;
  return parseConfig(text, 'custody.yaml');
}

/** The verifier of a gateway that has this custody.yaml. */
export function verifierOf(issuers: readonly string[], rules: readonly string[] = []): TokenVerifier {
  return issuersVerifier(configOf(issuers, rules).issuers);
}
