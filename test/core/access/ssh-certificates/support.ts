import { generateKeyPairSync } from 'node:crypto';
import { type Config, parseConfig } from '#core/access/config.ts';
import { type CertificateWish, issueCertificate } from '#core/access/ssh-certificates/issue.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import type { Principal } from '#core/identity/principal.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import { publicKeyOf, type SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { memorySigner } from '#test/support/memory-ports.ts';

export const NOW = new Date('2026-11-29T09:00:00.000Z');
export const ISSUER = 'https://id.example';
export const later = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);

export function policyWith(more = '', rules = ''): Config {
  return parseConfig(
    `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  web-1:
    protocol: ssh
    address: web-1.internal:22
    logins: { deploy: { keyFile: key } }
    hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIZfBjhLIbwXpcu2yHZtHVzAmzbs1hvB64x4bTLKEdMx"]
rules:
  - { name: work, groups: [developers], targets: [web-1], allow: [connect] }
${rules}
${more}`,
    'custody.yaml',
  );
}

export const POLICY = policyWith();
export const CA = memorySigner();

export function newKey(): SshPublicKey {
  return publicKeyOf(generateKeyPairSync('ed25519').publicKey);
}
export const KEY = newKey();

export const DANA: Principal = {
  issuer: ISSUER,
  issuerName: POLICY.issuers[0]!.name,
  subject: 'dana',
  email: 'dana@example.com',
  groups: ['developers'],
  issuedAt: later(-30),
  issuerSession: 's1',
  mfa: true,
  expiresAt: later(300),
};

export const proved = (key: SshPublicKey = KEY): ProvedKey => ({
  key: key.fingerprint,
  proof: 'ssh-certificate',
});

interface Making {
  readonly principal?: Principal;
  readonly policy?: Config;
  readonly serial?: bigint;
  readonly now?: Date;
}

export function issue(wish: Partial<CertificateWish> = {}, making: Making = {}) {
  const { principal = DANA, policy = POLICY, serial = 7n, now = NOW } = making;
  return issueCertificate({ key: KEY, ...wish }, principal, { policy, now, serial }, CA);
}

export function verifierAt(now = NOW, policy = POLICY, cas = [caKeyOf(CA.der)]) {
  return certificateVerifier({ cas: () => cas, policy: () => policy, now: () => now });
}
