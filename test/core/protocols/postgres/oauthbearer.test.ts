import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkOauthBearerDummy,
  encodeOauthBearerFailure,
  parseOauthBearer,
} from '#core/protocols/postgres/oauthbearer.ts';

const violation = expect.objectContaining({ code: 'protocol-violation' });
const unsupported = expect.objectContaining({ code: 'unsupported' });

function parse(text: string) {
  return parseOauthBearer(Buffer.from(text, 'latin1'));
}

describe('OAUTHBEARER', () => {
  test('reads the token', () => {
    expect(parse('n,,\x01auth=Bearer abc.def-_~+/==\x01\x01')).toEqual({ token: 'abc.def-_~+/==' });
    expect(parse('y,,\x01auth=bearer  abc\x01\x01')).toEqual({ token: 'abc' });
  });

  test('reads the message of RFC 7628 section 4.1 apart from its identity, which is refused', () => {
    const token = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==';
    const rest = `\x01host=server.example.com\x01port=143\x01auth=Bearer ${token}\x01\x01`;
    expect(parse(`n,,${rest}`)).toEqual({ token });
    expect(() => parse(`n,a=user@example.com,${rest}`)).toThrow(unsupported);
  });

  test('takes no token as a question for discovery', () => {
    expect(parse('n,,\x01auth=\x01\x01')).toEqual({ token: '' });
  });

  test.each([
    '',
    'n,,',
    'n,,\x01\x01',
    'n,,\x01\x01\x01',
    'n,,\x01auth=Bearer abc\x01',
    'n,,\x01auth=Bearer abc\x01\x01x',
    'n,\x01auth=Bearer abc\x01\x01',
    'x,,\x01auth=Bearer abc\x01\x01',
    'n,,,\x01auth=Bearer abc\x01\x01',
    'n,,\x01auth=Basic abc\x01\x01',
    'n,,\x01auth=Bearer\x01\x01',
    'n,,\x01auth=Bearer a b\x01\x01',
    'n,,\x01auth=Bearer a\0b\x01\x01',
    'n,,\x01auth=Bearer a\xe9b\x01\x01',
    'n,,\x01auth=Bearer abc\x01auth=Bearer abd\x01\x01',
    'n,,\x01Bearer abc\x01\x01',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(violation);
  });

  test('refuses blanks in no more time than there are of them (security case 16)', () => {
    const blanks = ' '.repeat(4 << 20);
    expect(() => parse(`n,,\x01auth=Bearer ${blanks}\n\x01\x01`)).toThrow(violation);
    expect(parse(`n,,\x01auth=Bearer ${blanks}abc\x01\x01`)).toEqual({ token: 'abc' });
  });

  test('refuses channel binding', () => {
    expect(() => parse('p=tls-server-end-point,,\x01auth=Bearer abc\x01\x01')).toThrow(unsupported);
  });

  test('any bytes give a token or a refusal', () => {
    const pieces = fc.constantFrom(
      'n',
      'y',
      'p=',
      ',',
      '\x01',
      'auth=',
      'Bearer ',
      'abc',
      ' ',
      '=',
      '\0',
      '\xff',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const outcome = attempt(() => parse(parts.join('')).token);
        expect(outcome).toMatch(/^[A-Za-z0-9\-._~+/]*=*$|^refused$/);
      }),
    );
  });

  test('says why not and where to go', () => {
    const failure = encodeOauthBearerFailure({
      status: 'invalid_token',
      scope: 'openid email',
      openidConfiguration: 'https://issuer.example.com/.well-known/openid-configuration',
    });
    expect(JSON.parse(Buffer.from(failure).toString())).toEqual({
      status: 'invalid_token',
      scope: 'openid email',
      'openid-configuration': 'https://issuer.example.com/.well-known/openid-configuration',
    });
  });

  test('takes the dummy and nothing else', () => {
    checkOauthBearerDummy(Uint8Array.of(1));
    for (const other of [[], [0], [1, 1]]) {
      expect(() => checkOauthBearerDummy(Uint8Array.from(other))).toThrow(violation);
    }
  });
});

function attempt(run: () => string): string {
  try {
    return run();
  } catch {
    return 'refused';
  }
}
