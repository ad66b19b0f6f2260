import type { ProvedKey } from './credential.ts';

/** A verified identity. Made only from a credential that passed every check of its verifier. */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  /** In its canonical form; the issuer vouches for it. */
  readonly email?: string;
  /** One that the issuer does not vouch for: it counts against who has it, and never for them. */
  readonly unverifiedEmail?: string;
  readonly groups: readonly string[];
  /** The issuer left groups out of the token (Entra does above 200), so nobody knows which others they are in. */
  readonly groupsOmittedByIssuer?: true;
  /** When the token that proved it expires. */
  readonly expiresAt: Date;
  /** The device's key that the credential is bound to and that the connection proved to hold (RFC 8705 section 3). */
  readonly device?: ProvedKey;
  /** The task that the token was issued for. */
  readonly task?: string;
  /** The issuer says that more than one factor was checked (RFC 8176 section 2, `mfa`). */
  readonly mfa?: boolean;
  /** The name that custody.yaml gives the issuer; rules go by it. */
  readonly issuerName?: string;
  /** A machine: no person's rule is for it. */
  readonly workload?: true;
  /**
   * What the token says of the claims that rules ask for, by the name that they use. An empty list: the token has no such claim. A
   * name that is not here: nobody knows, since no rule asked for it when the token came, or its issuer does not vouch for it.
   */
  readonly claims?: Readonly<Record<string, ClaimValue>>;
  /**
   * Who acts for the principal, the one that does first, then whoever it acts for in turn (RFC 8693 section 4.1). The issuer
   * vouches for the first; it reports the others. Nobody acts where it is absent.
   */
  readonly actors?: readonly Actor[];
  /** When the token was issued (`iat`). */
  readonly issuedAt?: Date;
  /** The session at the issuer (`sid`), by which a logout names it. */
  readonly issuerSession?: string;
  /** What the issuer's directory calls the person (SCIM's externalId), where that is another claim than the subject. */
  readonly directoryId?: string;
  /** Seconds of the issuer's leeway without which the token would not have been in its time. */
  readonly leeway?: number;
  /**
   * Of the groups, those that no token said: custody.yaml lists them, or a directory told of them. Whoever keeps a principal for
   * later asks for these again.
   */
  readonly toldGroups?: readonly string[];
  /** The certificate of ours that proved it, in place of a token. */
  readonly certificate?: ShownCertificate;
}

/** What of an SSH certificate its holder goes by. */
export interface ShownCertificate {
  /** A number of 64 bits, in decimal digits. */
  readonly serial: string;
  /** The fingerprint of the key that it certifies. */
  readonly key: string;
  readonly issuedAt: Date;
  /** The one target that it is good for; for all when absent. */
  readonly target?: string;
}

/** A claim as patterns look at it: one text or several; numbers and truth values as JSON writes them. */
export type ClaimValue = string | readonly string[];

/** Somebody who acts for somebody else. */
export interface Actor {
  readonly issuer: string;
  readonly subject: string;
}

export interface TokenVerifier {
  /**
   * Issuer, audience, signature, expiry and algorithm are checked before it resolves. A token that is bound to a key (RFC
   * 7800, `cnf`) is good only on a connection that proved to hold it: `device`.
   * Rejects with `token-invalid`, and says nothing in the message that would help a forger.
   */
  verify(token: string, device?: ProvedKey): Promise<Principal>;
}

export interface CertificateVerifier {
  /**
   * An OpenSSH user certificate of ours: the CA's signature, its time, the addresses it is for and the key that it names, which must
   * be the one that the connection proved. Whether it was revoked since is a matter of `Standing`. `certificate`: its wire form.
   * `clientAddress`: as the socket has it. Rejects with `token-invalid`, and says nothing in the message that would help a forger.
   */
  verify(
    certificate: Uint8Array,
    device: ProvedKey | undefined,
    clientAddress: string | undefined,
  ): Promise<Principal>;
}
