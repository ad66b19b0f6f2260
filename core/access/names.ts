/**
 * The name of a target, a rule or a webhook: as a database may be named, and as an address, a file name, a ledger's leaf and
 * the place behind `user+` bear it. No plus and no slash, no capitals that some file systems cannot tell apart, no dot that
 * parts a path.
 */
export const NAME = '[a-z0-9][a-z0-9_-]{0,62}';
export const NAME_RULE =
  'a name has lower-case letters, digits, hyphens and underscores, at most 63, and a letter or digit first';
