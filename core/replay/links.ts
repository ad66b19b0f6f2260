/** Where evidence can be fetched for a short while, once `decide()` has allowed it. */
export interface EvidenceLinks {
  /** An absolute URL that gives the object's bytes for about a minute, to whoever has it, without a token. */
  linkTo(key: string): Promise<string>;
}
