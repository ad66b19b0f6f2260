import { randomBytes } from 'node:crypto';
import { CustodyError } from '../../errors.ts';
import type { Logouts } from '../../identity/logouts.ts';
import type { Principal } from '../../identity/principal.ts';
import { certificateLeaf, enter, type LeafSink, revocationLeaf } from '../../ledger/leaves.ts';
import type { Signer } from '../../recording/ports.ts';
import type { Config } from '../config.ts';
import { sameHolder } from '../own.ts';
import { type Person, personOf } from '../person.ts';
import type { CertificateBook } from './book.ts';
import { type CertificateWish, issueCertificate, type MadeCertificate } from './issue.ts';
import { type Revoked, revocationMark } from './revocation.ts';

/** Who knows which keys are people's devices: approved where that is asked for, and not revoked. */
export interface RegisteredKeys {
  of(key: string): Promise<{ readonly owner: Person } | undefined>;
}

export interface CertificateDeskPorts {
  readonly policy: () => Config;
  /** The CA for users. */
  readonly ca: Signer;
  readonly book: CertificateBook;
  readonly revocations: Pick<Logouts, 'take'>;
  readonly leaves: LeafSink;
  /** No key is a device where it is absent. */
  readonly devices?: RegisteredKeys;
  readonly now: () => Date;
}

/** Issues certificates and takes them back. The leaf is in the ledger's queue before either counts. */
export class CertificateDesk {
  readonly #ports: CertificateDeskPorts;

  constructor(ports: CertificateDeskPorts) {
    this.#ports = ports;
  }

  /** For who called with a token that is good. Throws `access-denied` for a key that is no device where the file wants one. */
  async issue(principal: Principal, wish: CertificateWish): Promise<MadeCertificate> {
    const { ca, book, leaves, now } = this.#ports;
    const policy = this.#ports.policy();
    await this.#requireDevice(policy, wish.key.fingerprint, principal);
    const serial = randomBytes(8).readBigUInt64BE();
    const made = await issueCertificate(wish, principal, { policy, now: now(), serial }, ca);
    await enter(certificateLeaf(made.issued), leaves);
    await book.keep(made.issued);
    return made;
  }

  /** Sessions that rest on it end, and it lets nobody in any more. Whether `by` may do it has been decided. */
  async revoke(revoked: Revoked, by: Person): Promise<Date> {
    const { revocations, leaves, now } = this.#ports;
    const at = now();
    await enter(revocationLeaf(revoked, personOf(by), at), leaves);
    await revocations.take(revocationMark(revoked, at));
    return at;
  }

  async #requireDevice(policy: Config, key: string, principal: Principal): Promise<void> {
    if (policy.ssh.certificates.devices === undefined) return;
    const device = await this.#ports.devices?.of(key);
    if (device !== undefined && sameHolder(principal, device.owner, policy)) return;
    throw new CustodyError('access-denied', 'the key is not one of your registered devices', {
      hint: 'register it first: custody devices register',
    });
  }
}
