/** What somebody shows in order to be let in. Nothing is believed of it before it is verified. */
export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  /** An OpenSSH user certificate of ours, in its wire form; the client has proved that it holds the key that it names. */
  | { readonly kind: 'ssh-certificate'; readonly certificate: Uint8Array };

/**
 * A public key that the connection proved to hold, by a signature over this very connection: never one that was merely offered
 * (security case 2).
 */
export interface ProvedKey {
  /** `SHA256:` and unpadded base64 of the SHA-256 of the key's SSH wire form, as `ssh-keygen -l` prints it, whatever the protocol. */
  readonly key: string;
  readonly proof: 'tls-certificate' | 'ssh-certificate' | 'ssh-key';
  /** Of a FIDO key: what its authenticator signed for this session. */
  readonly user?: { readonly present: boolean; readonly verified: boolean };
  /** Of TLS: SHA-256 of the certificate's DER, base64url without padding (`x5t#S256`, RFC 8705). */
  readonly thumbprint?: string;
  /** The end of the certificate, where there is one. */
  readonly expiresAt?: Date;
}
