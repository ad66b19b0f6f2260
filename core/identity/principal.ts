/** A verified identity. Made only from a token that passed every check of TokenVerifier. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
  readonly groups: readonly string[];
  /** When the token that proved it expires. */
  readonly expiresAt: Date;
}

export interface TokenVerifier {
  /**
   * Issuer, audience, signature, expiry and algorithm are checked before it resolves.
   * Rejects with `token-invalid`, and says nothing in the message that would help a forger.
   */
  verify(token: string): Promise<Principal>;
}
