/** Where a directory's credential is: in a file, or in Secrets Manager. */
export interface SecretPlace {
  readonly secret?: string | undefined;
  readonly secretFile?: string | undefined;
}

/** What a directory needs from where it runs. */
export interface DirectoryPorts {
  /** Asked anew for each access token: a rotated secret counts from then on. Rejects with `config-invalid`, `store-unavailable`. */
  readonly readSecret: (place: SecretPlace) => Promise<string>;
  /** Also for the age of answers: a monotonic clock may stand still while a function or a laptop sleeps. */
  readonly wallClock: () => Date;
  /** How long one call may take, and all of a person's; 3 s and 5 s when not given. */
  readonly callMs?: number;
  readonly lookupMs?: number;
}
