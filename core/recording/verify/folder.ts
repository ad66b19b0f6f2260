/** What a verifier is given: the objects of one session and `signer.pem`, by their names in FORMAT.md. */
export interface EvidenceFolder {
  /** Every name in the folder, in any order. */
  list(): Promise<readonly string[]>;
  /**
   * The whole object. Rejects with `not-found`. An implementation that knows an object's size beforehand should
   * reject with `format-invalid` when it is more than `atMost` bytes, instead of reading it.
   */
  get(name: string, atMost: number): Promise<Uint8Array>;
}
