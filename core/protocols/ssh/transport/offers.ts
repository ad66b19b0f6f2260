/** What each side offers, in order of preference. */
import { certificateAlgorithm } from '../keys/certificate.ts';
import { algorithmsOf, type SignatureAlgorithm } from '../keys/signature.ts';
import type { ServerHostKey } from './host-key.ts';
import type { Offer } from './kexinit.ts';
import type { ClientOptions, Older } from './types.ts';

const KEX = ['mlkem768x25519-sha256', 'curve25519-sha256', 'curve25519-sha256@libssh.org'];
const GCM = ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'];
const CHACHA = 'chacha20-poly1305@openssh.com';
const CTR = ['aes256-ctr', 'aes192-ctr', 'aes128-ctr'];
const ETM = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'];
const HMAC = ['hmac-sha2-256', 'hmac-sha2-512'];
const HOST_KEYS: readonly SignatureAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** The plain HMACs are for libssh2 before 1.11, which is in Debian 12's curl and git libraries and has nothing better. */
export function serverOffer(hostKeys: readonly ServerHostKey[]): Offer {
  const names = hostKeys.flatMap(({ certificate, key }): readonly string[] => {
    const plain: readonly string[] = algorithmsOf(key.type);
    return certificate === undefined ? plain : [...plain.map(certificateAlgorithm), ...plain];
  });
  return offer(KEX, names, [...GCM, CHACHA, ...CTR], [...ETM, ...HMAC]);
}

export function clientOffer({ older = [], hostKeyAlgorithms }: ClientOptions): Offer {
  const more = (name: Older, what: readonly string[]): readonly string[] =>
    older.includes(name) ? what : [];
  const kex = [
    ...KEX,
    ...more('ecdh-nistp', ['ecdh-sha2-nistp256', 'ecdh-sha2-nistp384']),
    ...more('dh-group14-sha256', ['diffie-hellman-group14-sha256']),
  ];
  const hostKeys = hostKeyAlgorithms ?? [...HOST_KEYS.map(certificateAlgorithm), ...HOST_KEYS];
  const ciphers = [...GCM, CHACHA, ...more('aes-ctr', CTR)];
  return offer(kex, [...hostKeys, ...more('rsa-sha1', ['ssh-rsa'])], ciphers, [
    ...ETM,
    ...more('hmac-sha2', HMAC),
  ]);
}

function offer(
  kex: readonly string[],
  hostKeys: readonly string[],
  ciphers: readonly string[],
  macs: readonly string[],
): Offer {
  return {
    kex,
    hostKeys,
    ciphers: { toServer: ciphers, toClient: ciphers },
    macs: { toServer: macs, toClient: macs },
  };
}

/**
 * Without what Terrapin breaks when sequence numbers are not strict (CVE-2023-48795): ChaCha20-Poly1305, and MACs over the
 * ciphertext. GCM counts by itself, and a MAC over what was not yet encrypted covers the number that the keystream was made with.
 */
export function withoutFragile(whole: Offer): Offer {
  const ciphers = (names: readonly string[]): string[] => names.filter((name) => name !== CHACHA);
  const macs = (names: readonly string[]): string[] => names.filter((name) => !name.includes('-etm@'));
  return {
    ...whole,
    ciphers: { toServer: ciphers(whole.ciphers.toServer), toClient: ciphers(whole.ciphers.toClient) },
    macs: { toServer: macs(whole.macs.toServer), toClient: macs(whole.macs.toClient) },
  };
}

/**
 * A client that has GCM is asked for it, by leaving the rest out: OpenSSH before 10.0 would choose ChaCha20, then CTR, and node:crypto
 * does GCM several times faster.
 */
export function leaningToGcm(whole: Offer, client: Offer): Offer {
  const lean = (direction: 'toServer' | 'toClient'): readonly string[] =>
    GCM.some((name) => client.ciphers[direction].includes(name)) ? GCM : whole.ciphers[direction];
  return { ...whole, ciphers: { toServer: lean('toServer'), toClient: lean('toClient') } };
}
