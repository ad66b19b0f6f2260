/** A verified identity. Made only from a token that passed every check of TokenVerifier. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  /** In its canonical form; the issuer vouches for it. */
  readonly email?: string;
  /** One that the issuer does not vouch for: it counts against who has it, and never for them. */
  readonly unverifiedEmail?: string;
  readonly groups: readonly string[];
  /** When the token that proved it expires. */
  readonly expiresAt: Date;
  /** The device's key that the token is bound to and that the connection proved to hold (RFC 8705 section 3). */
  readonly device?: Device;
  /** The task that the token was issued for. */
  readonly task?: string;
  /** The issuer says that more than one factor was checked (RFC 8176 section 2, `mfa`). */
  readonly mfa?: boolean;
}

/** A device by the certificate it showed in TLS, whose key it proved to hold. */
export interface Device {
  /** SHA-256 of the certificate's DER, base64url without padding: `x5t#S256`. */
  readonly thumbprint: string;
  /** The certificate's end. */
  readonly expiresAt: Date;
}

export interface TokenVerifier {
  /**
   * Issuer, audience, signature, expiry and algorithm are checked before it resolves. A token that is bound to a key (RFC
   * 7800, `cnf`) is good only on a connection that proved to hold it: `device`.
   * Rejects with `token-invalid`, and says nothing in the message that would help a forger.
   */
  verify(token: string, device?: Device): Promise<Principal>;
}
