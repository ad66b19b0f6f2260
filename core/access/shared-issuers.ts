/**
 * Issuers that sign for everybody, for whatever audience somebody asks for: the metadata server of Google's cloud for each of its
 * machines, GitHub and GitLab for each job. An audience alone would let in the whole world. By what tells one's own tokens apart.
 */
const SHARED: ReadonlyMap<string, string> = new Map([
  ['https://accounts.google.com', 'hd: acme.com'],
  ['https://gitlab.com', "sub: '*'"],
  ['https://token.actions.githubusercontent.com', 'repository_owner: acme'],
]);

export interface Entry {
  readonly issuer: string;
  readonly kind: 'person' | 'workload';
  readonly match?: object | undefined;
}

/** What is missing from an entry by which everybody could come as a person of ours. */
export function openToAll({ issuer, kind, match }: Entry): string | undefined {
  const example =
    kind === 'person' && match === undefined ? SHARED.get(issuer.replace(/\/$/, '')) : undefined;
  return example === undefined
    ? undefined
    : `is missing: this issuer serves everybody, and whoever asks for a token chooses its audience; say which are yours, as in match: { ${example} }`;
}
