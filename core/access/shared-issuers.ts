/**
 * Issuers that sign for everybody, for whatever audience somebody asks for: the metadata server of Google's cloud for each of its
 * machines, GitHub and GitLab for each job. An audience alone would let in the whole world. By what tells one's own tokens apart.
 */
const SHARED: ReadonlyMap<string, string> = new Map([
  ['https://accounts.google.com', 'hd: acme.com'],
  ['https://gitlab.com', "sub: '*'"],
  ['https://token.actions.githubusercontent.com', 'repository_owner: acme'],
]);

/** What `match` could say of an issuer that others use as well; undefined for one's own. */
export function matchOfShared(issuer: string): string | undefined {
  return SHARED.get(issuer.replace(/\/$/, ''));
}
