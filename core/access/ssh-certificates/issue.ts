/** Certificates for people, made of what their tokens proved. */

import { CustodyError } from '../../errors.ts';
import type { Principal } from '../../identity/principal.ts';
import { refusedToken } from '../../identity/token-refusals.ts';
import { printable } from '../../printable.ts';
import type { CertificateContent } from '../../protocols/ssh/keys/certificate-make.ts';
import { caKeyOf, certificateToSign, makeCertificate } from '../../protocols/ssh/keys/certificate-make.ts';
import type { SshPublicKey } from '../../protocols/ssh/keys/public-key.ts';
import type { Signer } from '../../recording/ports.ts';
import type { Config } from '../config.ts';
import { nameOf, personOf } from '../person.ts';
import { notFor } from '../whose.ts';
import type { IssuedCertificate } from './book.ts';
import { IDENTITY, identityText, PRINCIPAL } from './identity.ts';

/** What somebody wants a certificate for. */
export interface CertificateWish {
  readonly key: SshPublicKey;
  readonly validMs?: number;
  readonly target?: string;
  /** Addresses and networks with commas between. */
  readonly sourceAddress?: string;
  readonly forceCommand?: string;
}

export interface Circumstances {
  readonly policy: Config;
  readonly now: Date;
  /** Random, of 64 bits. */
  readonly serial: bigint;
}

export interface MadeCertificate {
  readonly issued: IssuedCertificate;
  /** In its wire form. */
  readonly certificate: Uint8Array;
}

/** What KMS signs itself (API_Sign, RAW); a CA of a laptop is held to the same. */
const TO_SIGN_MAX = 4096;
const NONCE_BYTES = 32;
/** The clocks of the gateway's tasks are not this one. */
const EARLY_MS = 60_000;
/** What a session may ask for besides; rules say what of it passes. */
const PERMITS = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
];

/**
 * Makes a certificate for somebody whose token was verified a moment ago. Throws `token-invalid` where it would be over at once, and
 * `unsupported` where what the token says does not fit into one.
 */
export async function issueCertificate(
  wish: CertificateWish,
  principal: Principal,
  { policy, now, serial }: Circumstances,
  ca: Signer,
): Promise<MadeCertificate> {
  const expiresAt = endOf(wish, principal, policy, now);
  const content = await fitting(
    wish,
    principal,
    policy,
    ca,
    (identity) => ({
      kind: 'user',
      key: wish.key,
      serial,
      keyId: printable(nameOf(principal)),
      principals: [PRINCIPAL],
      validAfter: new Date(now.getTime() - EARLY_MS),
      validBefore: expiresAt,
      criticalOptions: demands(wish),
      extensions: { ...Object.fromEntries(PERMITS.map((name) => [name, ''])), [IDENTITY]: identity },
    }),
    now,
  );
  const issued = {
    serial: String(serial),
    key: wish.key.fingerprint,
    keyId: content.keyId,
    person: personOf(principal),
    issuedAt: now,
    expiresAt,
    ...pick(wish),
  };
  return { issued, certificate: await makeCertificate(content, ca) };
}

/** Whole seconds, which is what certificates know. */
function endOf({ validMs }: CertificateWish, principal: Principal, policy: Config, now: Date): Date {
  const longest = policy.ssh.certificates.maxDuration;
  const asked = now.getTime() + Math.min(validMs ?? longest, longest);
  const end = endsWithToken(principal, policy) ? Math.min(asked, principal.expiresAt.getTime()) : asked;
  const expiresAt = new Date(Math.floor(end / 1000) * 1000);
  if (expiresAt.getTime() > now.getTime()) return expiresAt;
  throw refusedToken('a certificate would end with it, and it has expired');
}

/** A rule that ends sessions with the token would be none if a certificate outlived it. */
function endsWithToken(principal: Principal, policy: Config): boolean {
  return policy.rules.some(
    (rule) =>
      rule.session?.endsWithToken === true &&
      rule.allow?.includes('connect') === true &&
      notFor(rule, principal, policy).length === 0,
  );
}

function demands({ sourceAddress, forceCommand }: CertificateWish): Record<string, string> {
  return {
    ...(sourceAddress === undefined ? {} : { 'source-address': sourceAddress }),
    ...(forceCommand === undefined ? {} : { 'force-command': forceCommand }),
  };
}

function pick({ target, sourceAddress, forceCommand }: CertificateWish) {
  return {
    ...(target === undefined ? {} : { target }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(forceCommand === undefined ? {} : { forceCommand }),
  };
}

/**
 * With all groups where they fit; else with those that the file names now, and the word that there are others: a rule that denies by
 * another group then counts them in.
 */
async function fitting(
  { target }: CertificateWish,
  principal: Principal,
  policy: Config,
  ca: Signer,
  contentOf: (identity: string) => CertificateContent,
  certifiedAt: Date,
): Promise<CertificateContent> {
  const caKey = caKeyOf(await ca.publicKey());
  const whole = withoutTold(principal);
  for (const candidate of [whole, withNamedGroups(whole, policy)]) {
    const identity = { principal: candidate, certifiedAt, ...(target === undefined ? {} : { target }) };
    const content = contentOf(identityText(identity));
    if (certificateToSign(content, caKey, new Uint8Array(NONCE_BYTES)).length <= TO_SIGN_MAX) return content;
  }
  throw new CustodyError('unsupported', 'what your token says of you does not fit into a certificate', {
    hint: 'log in without one, or have fewer groups and claims that rules of custody.yaml name',
  });
}

function withoutTold({ toldGroups = [], ...principal }: Principal): Principal {
  return { ...principal, groups: principal.groups.filter((group) => !toldGroups.includes(group)) };
}

function withNamedGroups(principal: Principal, { rules }: Config): Principal {
  const named = new Set(
    rules.flatMap(({ groups, approval, breakGlass }) => [
      ...groups,
      ...Object.values(approval?.reviewers ?? {}).flat(),
      ...Object.values(breakGlass?.reviewers ?? {}).flat(),
    ]),
  );
  const groups = principal.groups.filter((group) => named.has(group));
  return { ...principal, groups, groupsOmittedByIssuer: true };
}
