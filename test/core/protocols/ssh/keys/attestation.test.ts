import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { checkAttestation } from '#core/protocols/ssh/keys/attestation.ts';
import { parsePublicKey, publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';
import {
  type Attesting,
  type Maker,
  MODEL,
  maker,
  SoftwareAuthenticator,
} from '#test/support/software-authenticator.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const challenge = Buffer.from('custody-device-v1 something');
const NO_MODEL = '00000000-0000-0000-0000-000000000000';

describe.each(['ed25519', 'ecdsa'] as const)('what an authenticator attests of a key (%s)', (kind) => {
  const authenticator = new SoftwareAuthenticator(kind);
  const key = parsePublicKey(authenticator.blob);
  let trusted: Maker;
  let other: Maker;
  beforeAll(async () => {
    trusted = await maker();
    other = await maker();
  });
  const file = (more: Partial<Attesting> = {}) =>
    authenticator.attestation({ challenge, by: trusted, ...more });
  const check = (
    bytes: Uint8Array,
    more: { roots?: readonly string[]; now?: Date; challenge?: Uint8Array } = {},
  ) => checkAttestation(key, bytes, { challenge, roots: [other.root, trusted.root], now: NOW, ...more });
  const code = (code: string, message: RegExp) =>
    expect.objectContaining({ code, message: expect.stringMatching(message) as string });

  test('is believed where a root vouches for it, with its model', () => {
    expect(check(file())).toEqual({ model: MODEL });
    expect(check(file({ extensions: Buffer.from('a16b6372656450726f7465637402', 'hex') }))).toEqual({
      model: MODEL,
    });
  });

  test('security case 1: is refused where none does, or no more', async () => {
    expect(() => check(file({ by: other }), { roots: [trusted.root] })).toThrow(
      code('token-invalid', /roots/),
    );
    expect(() => check(file(), { roots: [] })).toThrow(code('token-invalid', /roots/));
    expect(() => check(file(), { now: new Date('2036-01-02') })).toThrow(code('token-invalid', /roots/));
    expect(() => check(file(), { now: new Date('2025-12-31') })).toThrow(code('token-invalid', /roots/));
    const ca = await maker({ ca: true });
    expect(() => check(file({ by: ca }), { roots: [ca.root] })).toThrow(code('token-invalid', /roots/));
    // The name of the root, and another's key.
    const forged = { ...other, root: trusted.root };
    expect(() => check(file({ by: forged }), { roots: [trusted.root] })).toThrow(
      code('token-invalid', /roots/),
    );
  });

  test('security case 2: is of this key, this application and this challenge', () => {
    const another = new SoftwareAuthenticator(kind);
    expect(() => check(file({ of: another }))).toThrow(code('token-invalid', /another key/));
    expect(() => check(file({ application: 'ssh:other' }))).toThrow(code('token-invalid', /another key/));
    expect(() => check(file({ challenge: 'another' }))).toThrow(code('token-invalid', /this challenge/));
    expect(() => check(file(), { challenge: Buffer.from('another') })).toThrow(
      code('token-invalid', /this challenge/),
    );
    const plain = publicKeyOf(generateKeyPairSync('ed25519').publicKey);
    const terms = { challenge, roots: [trusted.root], now: NOW };
    expect(() => checkAttestation(plain, file(), terms)).toThrow(code('token-invalid', /FIDO/));
  });

  test('says the model that its certificate says, where that says one', async () => {
    expect(() => check(file({ model: NO_MODEL }))).toThrow(code('token-invalid', /model/));
    const nameless = await maker({ model: '' });
    const roots = [nameless.root];
    expect(check(file({ by: nameless }), { roots })).toEqual({ model: MODEL });
    expect(check(file({ by: nameless, model: NO_MODEL }), { roots })).toEqual({});
  });

  test('may be of an old authenticator, which knows P-256 alone and no models', async () => {
    const old = await maker({ model: '' });
    const look = () => {
      try {
        return check(file({ by: old, u2f: true }), { roots: [old.root] });
      } catch (thrown) {
        return (thrown as CustodyError).message;
      }
    };
    const refusal = 'is not of this challenge by the authenticator that it names';
    expect(look()).toEqual(kind === 'ecdsa' ? {} : refusal);
  });

  test('is no attestation when any byte of it is cut off, or any is added', () => {
    const whole = file();
    for (let length = 0; length < whole.length; length += 1)
      expect(() => check(whole.subarray(0, length)), String(length)).toThrow(CustodyError);
    expect(() => check(Buffer.concat([whole, Buffer.of(0)]))).toThrow(code('format-invalid', /damaged/));
  });

  test('is not believed with any bit changed, but for those that nothing means', () => {
    const whole = file();
    const reserved = whole.length - 8;
    fc.assert(
      fc.property(fc.nat(reserved - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(whole);
        changed[at]! ^= 1 << bit;
        expect(() => check(changed)).toThrow(CustodyError);
      }),
      { numRuns: 150 },
    );
  });

  test('makes errors of ours out of whatever comes', () => {
    const magic = Buffer.from('00000011', 'hex');
    const head = Buffer.concat([magic, Buffer.from('ssh-sk-attest-v01')]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (rest) => {
        expect(() => check(rest)).toThrow(CustodyError);
        expect(() => check(Buffer.concat([head, rest]))).toThrow(CustodyError);
      }),
    );
    expect(() => check(Buffer.alloc(20_000))).toThrow(code('format-invalid', /longer/));
  });
});
