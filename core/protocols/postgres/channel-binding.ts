import { createHash, X509Certificate } from 'node:crypto';

/** Object identifiers of signature algorithms that hash once (RFC 8017, RFC 5758) → the hash to bind with. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5': 'sha256', // sha1WithRSAEncryption
  '1.2.840.10045.4.1': 'sha256', // ecdsa-with-SHA1
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/**
 * `tls-server-end-point` of a server's certificate (DER), by RFC 5929 section 4.1: its hash, by the hash of its own
 * signature, with SHA-256 in the place of MD5 and SHA-1. Undefined where that is not defined: Ed25519, or RSA-PSS,
 * whose hash is a parameter. Throws when the bytes are no certificate.
 */
export function certificateHash(der: Uint8Array): Uint8Array | undefined {
  const oid = new X509Certificate(der).signatureAlgorithmOid;
  const hash = oid === undefined ? undefined : HASHES[oid];
  return hash === undefined ? undefined : createHash(hash).update(der).digest();
}
