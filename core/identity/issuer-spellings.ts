/** Without a scheme, in tokens of some clients: the one exception that OpenID Connect Core 1.0 (section 15.6.2) knows. */
const GOOGLE = 'https://accounts.google.com';

/** What `iss` may be in tokens of this issuer; everywhere else it has the one name that the file gives it. */
export function issuerSpellings(issuer: string): readonly string[] {
  return issuer === GOOGLE ? [GOOGLE, 'accounts.google.com'] : [issuer];
}
