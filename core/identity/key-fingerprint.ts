import { createHash, type KeyObject } from 'node:crypto';

/**
 * A public key's name for every protocol: `SHA256:` and the hash of its SSH wire form (RFC 4253 section 6.6, RFC 5656, RFC 8709), as
 * `ssh-keygen -l` prints it. A key that SSH has no form for is named by the hash of its SPKI: no device is registered under it.
 */
export function keyFingerprint(key: KeyObject): string {
  return fingerprintOf(sshForm(key) ?? key.export({ type: 'spki', format: 'der' }));
}

/** Of a key's wire form. */
export function fingerprintOf(wire: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(wire).digest('base64').replace(/=+$/, '')}`;
}

const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

function sshForm(key: KeyObject): Uint8Array | undefined {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return strings('ssh-ed25519', part(key, 'x'));
    case 'rsa':
      return strings('ssh-rsa', mpint(part(key, 'e')), mpint(part(key, 'n')));
    case 'ec': {
      const curve = CURVES[key.export({ format: 'jwk' }).crv ?? ''];
      if (curve === undefined) return undefined;
      const point = Buffer.concat([Buffer.of(4), part(key, 'x'), part(key, 'y')]);
      return strings(`ecdsa-sha2-${curve}`, curve, point);
    }
    default:
      return undefined;
  }
}

function part(key: KeyObject, name: 'x' | 'y' | 'e' | 'n'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[name]!, 'base64url');
}

/** Positive: a first bit would be read as a sign. */
function mpint(number: Buffer): Buffer {
  return (number[0]! & 0x80) === 0 ? number : Buffer.concat([Buffer.of(0), number]);
}

function strings(...values: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const bytes = Buffer.from(value as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}
