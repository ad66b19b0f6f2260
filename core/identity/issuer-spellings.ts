/** Without a scheme, in tokens of some clients: the one exception that OpenID Connect Core 1.0 (section 15.6.2) knows. */
const GOOGLE = 'https://accounts.google.com';

const WITHOUT_SCHEME = 'accounts.google.com';

/** The one name that the file, evidence and rules have for an issuer that a token names. */
export function issuerNamed(iss: string): string {
  return iss === WITHOUT_SCHEME ? GOOGLE : iss;
}

/** What `iss` may be in tokens of this issuer; everywhere else it has the one name that the file gives it. */
export function issuerSpellings(issuer: string): readonly string[] {
  return issuer === GOOGLE ? [GOOGLE, WITHOUT_SCHEME] : [issuer];
}
