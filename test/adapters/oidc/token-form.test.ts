import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf } from '#adapters/oidc/token-form.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { makeKey, rawToken, signToken } from '#test/support/issuer.ts';

const SECRET = 'tr0ub4dor-and-3';
const ID = 'https://id.example';
const good = await signToken({ url: ID }, await makeKey('key-1'));
const rsa = await signToken({ url: ID }, await makeKey('key-1', 'RS256'));
const parts = good.split('.');
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const encrypted = [encoded({ alg: 'RSA-OAEP', enc: 'A256GCM' }), 'key', 'iv', 'text', 'tag'].join('.');

const CUT = 'it is cut off: its end is missing';
const BLANKS = 'there are blanks or line feeds in it, or around it';

/** What it is refused with, if it is. */
function refusalOf(token: string): CustodyError | undefined {
  try {
    headerOf(token);
    return undefined;
  } catch (thrown) {
    return asCustodyError(thrown);
  }
}

function refusal(token: string): CustodyError {
  const error = refusalOf(token);
  if (error === undefined) throw new Error('it was taken');
  return error;
}

describe('the form of a token', () => {
  it.each([good, rsa])('is that of a signed JWT', (token) => {
    expect(headerOf(token)).toMatchObject({ kid: 'key-1' });
  });

  it.each(['JWT', 'jwt', 'application/jwt', 'at+jwt'])('may say that it is a JWT: %s', (typ) => {
    expect(headerOf(rawToken({ alg: 'ES256', kid: 'k', typ }, {}, Buffer.alloc(64)))).toMatchObject({
      alg: 'ES256',
    });
  });

  it.each<[what: string, token: string, why: string, hint: string]>([
    ['double quotes', `"${good}"`, 'it is in quotes', 'without the quotes'],
    ['single quotes', `'${good}'`, 'it is in quotes', 'without the quotes'],
    ['a quote at its end', `${good}"`, 'it is in quotes', 'without the quotes'],
    ['quotes, and a line feed', `"${good}"\n`, 'it is in quotes', 'without the quotes'],
    ['Bearer', `Bearer ${good}`, '"Bearer" stands before it', 'the token alone'],
    ['a header', `bearer: ${good}`, '"Bearer" stands before it', 'the token alone'],
    ['a line feed at its end', `${good}\n`, BLANKS, 'the token alone'],
    ['a blank before it', ` ${good}`, BLANKS, 'the token alone'],
    ['a terminal’s line feeds', good.replaceAll(/(.{80})/g, '$1\r\n'), BLANKS, 'the token alone'],
    ['its header alone', parts[0]!, CUT, 'copy all of it'],
    ['no signature', `${parts[0]}.${parts[1]}`, CUT, 'copy all of it'],
    ['half of its claims', good.slice(0, parts[0]!.length + 20), CUT, 'copy all of it'],
    ['an empty signature', `${parts[0]}.${parts[1]}.`, CUT, 'copy all of it'],
    ['a character less', good.slice(0, -2), CUT, 'copy all of it'],
    ['a cut signature of RSA', rsa.slice(0, -100), CUT, 'copy all of it'],
    ['an access token of Google', 'ya29.a0AfH6SMBx-example', 'it is an access token of Google', 'ID token'],
    ['an encrypted token', encrypted, 'it is encrypted', 'signed and not encrypted'],
    ['a password', SECRET, 'it is not a JWT', 'a password is none'],
    ['a password in quotes', `"${SECRET}"`, 'it is not a JWT', 'a password is none'],
    ['a password of words', 'correct horse battery staple', 'it is not a JWT', 'a password is none'],
    ['nothing', '', 'it is not a JWT', 'a password is none'],
    ['five parts of anything', 'a.b.c.d.e', 'it is not a JWT', 'a password is none'],
    ['base64 that is no URL’s', `${parts[0]}.${parts[1]}.+/==`, 'it is not a JWT', 'custody login'],
    ['too much', 'x'.repeat(20_000), 'it is longer than 16384 bytes', 'custody login'],
  ])('is not this, and says so: %s', (_what, token, why, hint) => {
    const error = refusal(token);
    expect(error.message).toBe(`the token is not valid here: ${why}`);
    expect(error.hint).toContain(hint);
    expect([error.code, error.guess]).toEqual(['token-invalid', true]);
    expect(JSON.stringify([error.message, error.hint, error.detail])).not.toContain(SECRET);
  });

  it.each<[what: string, header: Record<string, unknown>, why: string]>([
    ['no algorithm', { alg: undefined }, 'it is not signed with an algorithm that is taken'],
    ['none', { alg: 'none' }, 'it is not signed with an algorithm that is taken'],
    ['a shared secret', { alg: 'HS256' }, 'it is not signed with an algorithm that is taken'],
    ['a name of the prototype', { alg: 'constructor' }, 'it is not signed with an algorithm that is taken'],
    ['no key', { kid: undefined }, 'it names no key'],
    ['a key that is a number', { kid: 1 }, 'it names no key'],
    ['critical parameters', { crit: ['b64'], b64: false }, 'it has critical header parameters'],
    ['critical parameters that are none', { crit: null }, 'it has critical header parameters'],
    ['a logout', { typ: 'logout+jwt' }, 'it is a token of another type'],
    ['a proof of a key', { typ: 'dpop+jwt' }, 'it is a token of another type'],
    ['an event', { typ: 'secevent+jwt' }, 'it is a token of another type'],
    ['a type that is no text', { typ: ['JWT'] }, 'it is a token of another type'],
  ])('has a header that is taken: not one with %s (security case 22)', (_what, header, why) => {
    const token = rawToken({ alg: 'ES256', kid: 'key-1', ...header }, {}, Buffer.alloc(64));
    expect(refusal(token).message).toBe(`the token is not valid here: ${why}`);
  });

  it('is refused in words of ours, whatever was given (security case 15)', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii', minLength: 8 }));
    const json = fc.json().map((given) => Buffer.from(given).toString('base64url'));
    const dotted = fc.array(fc.oneof(text, json), { maxLength: 6 }).map((given) => given.join('.'));
    const decorated = fc.tuple(text, fc.constantFrom(good, rsa, encrypted), text).map((all) => all.join(''));
    const words = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(text, dotted, decorated), (token) => {
        fc.pre(token !== good && token !== rsa);
        const { code, message } = refusalOf(token) ?? { code: 'token-invalid', message: 'taken' };
        expect(code).toBe('token-invalid');
        words.add(message);
      }),
      { numRuns: 2_000 },
    );
    // Of so many inputs there are as many words as there are reasons: none is made of what was given.
    expect(words.size).toBeLessThan(15);
  });
});
