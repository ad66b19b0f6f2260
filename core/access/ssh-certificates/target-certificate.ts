/** The certificate with which the gateway logs in at a target: of one session, and for minutes. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { printable } from '../../printable.ts';
import { makeCertificate } from '../../protocols/ssh/keys/certificate-make.ts';
import { privateKeyOf, type SshPrivateKey } from '../../protocols/ssh/keys/private-key.ts';
import type { Signer } from '../../recording/ports.ts';
import { nameOf, type Person } from '../person.ts';

export interface TargetLogin {
  /** The login at the target: the certificate's principal. */
  readonly login: string;
  readonly target: string;
  readonly session: string;
  readonly person: Person;
  readonly now: Date;
}

export interface TargetCredential {
  /** In its wire form. */
  readonly certificate: Uint8Array;
  /** Of this session alone. */
  readonly key: SshPrivateKey;
}

/** To log in, on clocks that differ: a session that was let in goes on. */
const EARLY_MS = 60_000;
const GOOD_FOR_MS = 5 * 60_000;
const PERMITS = ['X11-forwarding', 'agent-forwarding', 'port-forwarding', 'pty', 'user-rc'];

/**
 * A new key with a certificate that sshd takes where `TrustedUserCAKeys` names the CA. Its key id, which sshd writes into its log, says
 * which session and whose it is. `ca`: the CA for targets, never that for users. Rejects when it cannot sign.
 */
export async function targetCertificate(
  { login, target, session, person, now }: TargetLogin,
  ca: Signer,
): Promise<TargetCredential> {
  const key = privateKeyOf(generateKeyPairSync('ed25519').privateKey);
  const content = {
    kind: 'user' as const,
    key: key.publicKey,
    serial: randomBytes(8).readBigUInt64BE(),
    keyId: printable(`custody session ${session} of ${nameOf(person)} at ${target}`),
    principals: [login],
    validAfter: new Date(now.getTime() - EARLY_MS),
    validBefore: new Date(now.getTime() + GOOD_FOR_MS),
    extensions: Object.fromEntries(PERMITS.map((name) => [`permit-${name}`, ''])),
  };
  return { certificate: await makeCertificate(content, ca), key };
}
