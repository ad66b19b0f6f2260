import type { Actor } from '../../identity/principal.ts';
import type { Person } from '../person.ts';

/** A certificate that was issued. The certificate itself is nowhere kept: whoever asked for it has it. */
export interface IssuedCertificate {
  /** A number of 64 bits, in decimal digits. */
  readonly serial: string;
  /** The fingerprint of the key that it certifies. */
  readonly key: string;
  /** What it calls its holder, for people. */
  readonly keyId: string;
  readonly person: Person;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly target?: string;
  readonly sourceAddress?: string;
  readonly forceCommand?: string;
}

export interface CertificatePage {
  /** Newest first. */
  readonly certificates: readonly IssuedCertificate[];
  /** The cursor of what is older. */
  readonly next?: string;
}

/** What was issued, at least for as long as it is good. */
export interface CertificateBook {
  /** Durable when it returns. */
  keep(issued: IssuedCertificate): Promise<void>;
  find(serial: string): Promise<IssuedCertificate | undefined>;
  /** Those of one account, whoever acted for it. `cursor`: the `next` of the page before; any other text is only a place in the list. */
  of(account: Actor, page: { readonly limit: number; readonly cursor?: string }): Promise<CertificatePage>;
}

/** Where a certificate stands among others of its account: it sorts by the time, and no two are alike. */
export function placeOf({ issuedAt, serial }: Pick<IssuedCertificate, 'issuedAt' | 'serial'>): string {
  return `${issuedAt.toISOString()}/${serial}`;
}
