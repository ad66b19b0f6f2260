import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { exportJWK } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { KeySet } from '#adapters/oidc/key-set.ts';
import { headerOf } from '#adapters/oidc/token-form.ts';
import { makeKey, signToken } from '#test/support/issuer.ts';

const ID = { url: 'https://id.example' };
const key = await makeKey('key-1');
const rsa = await makeKey('rsa', 'RS256');
const ALL = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const setOf = (...keys: unknown[]): KeySet => KeySet.read(bytes({ keys }));
const short = generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey.export({ format: 'jwk' });
const tiny = generateKeyPairSync('rsa', { modulusLength: 1024 });

async function verified(set: KeySet, signer = key, algorithms = ALL): Promise<unknown> {
  const token = await signToken(ID, signer);
  return set.verified(token, headerOf(token), algorithms);
}

describe('a set of keys', () => {
  it('verifies what one of them has signed, and gives the claims as they were', async () => {
    const claims = await verified(setOf(rsa.jwk, key.jwk));
    expect(JSON.parse(Buffer.from(claims as Uint8Array).toString())).toMatchObject({ sub: 'dana' });
  });

  it('looks at a signature once, and at everything else each time', async () => {
    const set = setOf(rsa.jwk, key.jwk);
    const token = await signToken(ID, key);
    const verify = vi.spyOn(crypto.subtle, 'verify');
    try {
      const claims = await set.verified(token, headerOf(token), ALL);
      expect(await set.verified(token, headerOf(token), ALL)).toBe(claims);
      expect(verify).toHaveBeenCalledTimes(1);
      await expect(set.verified(token, headerOf(token), ['RS256'])).rejects.toMatchObject({ guess: true });
      const forged = `${token.slice(0, -8)}${token.slice(-8) === 'AAAAAAAA' ? 'BBBBBBBB' : 'AAAAAAAA'}`;
      for (let time = 0; time < 2; time += 1)
        await expect(set.verified(forged, headerOf(forged), ALL)).rejects.toMatchObject({
          detail: 'its signature is wrong',
        });
      const later = setOf(rsa.jwk, (await makeKey('key-1')).jwk);
      await expect(later.verified(token, headerOf(token), ALL)).rejects.toMatchObject({
        detail: 'its signature is wrong',
      });
    } finally {
      verify.mockRestore();
    }
  });

  it('leaves out what it cannot use (RFC 7517 section 5)', async () => {
    const others = [null, 7, 'key', [], {}, { kty: 'new', kid: 'n' }, { ...key.jwk, kid: undefined }];
    await expect(verified(setOf(...others, key.jwk))).resolves.toBeInstanceOf(Uint8Array);
  });

  it.each<[what: string, change: Record<string, unknown>, why: string]>([
    ['for encryption', { use: 'enc' }, 'its key is not for signatures'],
    [
      'that everybody has',
      { d: 'AAAA' },
      'its key is published with its private half, so that everybody can sign with it',
    ],
    ['for wrapping', { key_ops: ['wrapKey'] }, 'its key is not for signatures'],
    ['with operations that are no list', { key_ops: 'verify' }, 'its key is not for signatures'],
    ['of a curve that is not taken', { crv: 'secp256k1' }, 'its key is of a type that is not taken'],
    ['of a type that is in the prototype', { kty: 'constructor' }, 'its key is of a type that is not taken'],
    ['of another algorithm', { alg: 'ES384' }, 'its algorithm is not the one of its key'],
    ['without a point', { x: undefined }, 'it does not verify'],
    ['with a point that is not on the curve', { x: 'AAAA' }, 'it does not verify'],
  ])('verifies nothing with a key %s', async (_what, change, detail) => {
    const set = setOf(rsa.jwk, { ...key.jwk, ...change });
    await expect(verified(set)).rejects.toMatchObject({ code: 'token-invalid', guess: true, detail });
  });

  it('verifies nothing with a private key that is whole', async () => {
    const jwk = { ...(await exportJWK(key.privateKey)), kid: key.kid };
    await expect(verified(setOf(rsa.jwk, jwk))).rejects.toMatchObject({
      code: 'token-invalid',
      detail: 'its key is published with its private half, so that everybody can sign with it',
    });
  });

  it.each([
    [2047, short],
    [1024, tiny.publicKey.export({ format: 'jwk' })],
  ])('verifies nothing with an RSA key of %d bits', async (_bits, jwk) => {
    const set = setOf(key.jwk, { ...jwk, kid: 'rsa' });
    const detail = 'its key is shorter than 2048 bits';
    await expect(verified(set, rsa)).rejects.toMatchObject({ code: 'token-invalid', detail });
    expect(() => setOf({ ...jwk, kid: 'rsa' })).toThrow('one is shorter than 2048 bits');
  });

  it('takes the algorithms of its issuer alone (security case 22)', async () => {
    const set = setOf(rsa.jwk, key.jwk);
    await verified(set, key, ['ES256']);
    await expect(verified(set, rsa, ['ES256'])).rejects.toMatchObject({
      code: 'token-invalid',
      detail: 'its algorithm is not one that its issuer may use',
    });
  });

  it('takes no key of the name that has another type (security case 22)', async () => {
    const { alg: _alg, ...noAlg } = rsa.jwk;
    await expect(verified(setOf({ ...noAlg, kid: 'key-1' }))).rejects.toMatchObject({
      detail: 'its algorithm is not the one of its key',
    });
  });

  it('does not choose between two keys of one name', async () => {
    const set = setOf(key.jwk, (await makeKey('key-1')).jwk);
    await expect(verified(set)).rejects.toMatchObject({ detail: 'its issuer has two keys of that name' });
  });

  it('is read from anything at all, or is not', () => {
    const member = fc.oneof(fc.json(), fc.constantFrom('verify', 'sig', 'enc', 'RSA', 'EC', 'OKP', 'P-256'));
    const names = fc.constantFrom('kty', 'kid', 'use', 'key_ops', 'crv', 'n', 'e', 'x', 'y', 'alg', 'd');
    const jwk = fc.dictionary(names, member);
    const given = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc.array(jwk).map((keys) => bytes({ keys })),
    );
    fc.assert(
      fc.property(given, (document) => {
        expect(attempt(() => KeySet.read(document))).not.toBeInstanceOf(TypeError);
      }),
    );
  });
});

/** What was thrown, or the result. */
function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}
