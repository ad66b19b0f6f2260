/** Where groups are looked up that tokens do not name. */

/** Whose groups are asked for: what a verified token says of them. */
export interface DirectoryPerson {
  readonly subject: string;
  /** In its canonical form; the issuer vouches for it. */
  readonly email?: string;
  /** All that the token says. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface GroupDirectory {
  /**
   * All groups of the person, by the names that the directory has for them; never a part of them. An answer may be some minutes old,
   * as the configuration allows, and comes or fails within seconds. Rejects with `issuer-unreachable` where the directory cannot say,
   * with `access-denied` for whoever it does not know, and with `token-invalid` where the token does not name anybody to it. Never
   * resolves to no groups because something failed: a rule that denies by a group would not hold.
   */
  groupsOf(person: DirectoryPerson): Promise<readonly string[]>;
}
