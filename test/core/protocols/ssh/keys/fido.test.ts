import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { proveKey } from '#core/protocols/ssh/auth/key-request.ts';
import { parsePublicKey, publicKeyOf, type SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { verifySignature } from '#core/protocols/ssh/keys/signature.ts';
import { SshReader, SshWriter } from '#core/protocols/ssh/wire.ts';

const APPLICATION = 'ssh:';
const message = Buffer.from('a message');
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest();

/** An authenticator in software: what its key signs is written by PROTOCOL.u2f, apart from the code under test. */
class Authenticator {
  readonly #key: KeyObject;
  readonly publicKey: SshPublicKey;

  constructor(kind: 'ed25519' | 'ecdsa') {
    const pair =
      kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    const reader = new SshReader(publicKeyOf(pair.publicKey).blob);
    const type = `sk-${reader.name()}@openssh.com`;
    this.publicKey = parsePublicKey(
      new SshWriter().string(type).raw(reader.rest()).string(APPLICATION).done(),
    );
  }

  sign(flags: number, application = APPLICATION): Uint8Array {
    const counter = Buffer.of(0, 0, 0, 9);
    const signed = Buffer.concat([sha256(application), Buffer.of(flags), counter, sha256(message)]);
    return new SshWriter()
      .string(this.publicKey.type)
      .string(this.#value(signed))
      .byte(flags)
      .raw(counter)
      .done();
  }

  #value(signed: Uint8Array): Uint8Array {
    if (this.#key.asymmetricKeyType === 'ed25519') return sign(null, signed, this.#key);
    const pair = sign('sha256', signed, { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return new SshWriter().mpint(pair.subarray(0, 32)).mpint(pair.subarray(32)).done();
  }
}

describe.each(['ed25519', 'ecdsa'] as const)('a FIDO key (%s)', (kind) => {
  const authenticator = new Authenticator(kind);
  const { publicKey } = authenticator;
  const verified = (signature: Uint8Array) => verifySignature(publicKey, signature, message);

  test('says whether somebody touched it, and whether it knew who', () => {
    expect(publicKey.application).toBe(APPLICATION);
    for (const flags of [0, 1, 4, 5]) {
      const said = { present: (flags & 1) !== 0, verified: (flags & 4) !== 0, counter: 9 };
      expect(verified(authenticator.sign(flags))).toEqual({ algorithm: publicKey.type, authenticator: said });
    }
  });

  test('signs its flags, its counter and what it is for', () => {
    const signature = authenticator.sign(1);
    for (const fromEnd of [5, 1]) {
      const changed = Uint8Array.from(signature);
      changed[changed.length - fromEnd]! ^= 4;
      expect(verified(changed)).toBeUndefined();
    }
    expect(verified(authenticator.sign(1, 'https://elsewhere'))).toBeUndefined();
    expect(() => verified(signature.subarray(0, -1))).toThrow(/shorter/);
  });

  test('security case 1: proves nothing without a touch', () => {
    const { type: algorithm, blob } = publicKey;
    const offered = { algorithm, blob, key: publicKey };
    const prove = (flags: number) =>
      proveKey({ offered, signed: { signature: authenticator.sign(flags), message } });
    expect(prove(4)).toBeUndefined();
    expect(prove(5)).toMatchObject({ authenticator: { present: true, verified: true } });
  });
});
