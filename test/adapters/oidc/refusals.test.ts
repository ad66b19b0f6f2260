import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import { type CustodyError } from '#core/errors.ts';
import {
  makeKey,
  rawToken,
  signToken,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '#test/support/issuer.ts';

const NOW = Date.parse('2030-01-01');
const LONG_AGO = NOW / 1000 - 10 * 86_400;
const LATER = NOW / 1000 + 10 * 86_400;
const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout';
const SECRET = 'tr0ub4dor-and-3';

let issuer: TestIssuer;
let key: TestKey;
beforeAll(async () => {
  issuer = await startIssuer();
  key = await makeKey('key-1');
  issuer.keys = [key.jwk];
});
afterAll(() => issuer.close());

/** Everything that an error holds: what a log could show, and what hangs on it. */
async function refusal(token: string): Promise<CustodyError> {
  const options = { issuer: issuer.url, audience: 'custody', groupsClaim: 'groups', allowHttpLoopback: true };
  return oidcTokenVerifier({ ...options, now: () => NOW })
    .verify(token)
    .then(
      () => expect.fail('it was taken'),
      (error: CustodyError) => error,
    );
}

function everything(error: CustodyError): string {
  return JSON.stringify([error.message, error.cause, ...Object.entries(error)]);
}

/** As base64url, so that whoever decodes finds it. */
const encoded = (text: string): string => Buffer.from(text).toString('base64url');
const hidden = { password: SECRET };

describe('why a token is not valid (security case 15)', () => {
  it.each<[string, string, () => string | Promise<string>]>([
    ['a password', 'it is not a JWT', () => SECRET],
    ['a password with two dots', 'it is not a JWT', () => `${SECRET}.${SECRET}.${SECRET}`],
    ['an encoded password as the header', 'it is not a JWT', () => `${encoded(SECRET)}.e30.AAAA`],
    ['an encoded password as the claims', 'it is not a JWT', () => `e30.${encoded(SECRET)}.AAAA`],
    ['a secret in the header', 'it is not a JWT', () => `${encoded(`{"${SECRET}"}`)}.e30.AAAA`],
    [
      'a secret algorithm',
      'it is not signed with an algorithm that is taken',
      () => `${rawToken({ alg: SECRET, kid: 'key-1' }, {})}AAAA`,
    ],
    [
      'a secret name of a key',
      'it names a key that its issuer does not publish',
      () => rawToken({ alg: 'ES256', kid: SECRET }, { iss: issuer.url, exp: 1 }, Buffer.alloc(64)),
    ],
    ['a secret issuer', 'it is of another issuer', () => signToken(issuer, key, { iss: SECRET })],
    ['a secret audience', 'it is for another audience', () => signToken(issuer, key, { aud: SECRET })],
    [
      'secrets, and expired',
      'it expired 10 days ago',
      () => signToken(issuer, key, { exp: LONG_AGO, ...hidden }),
    ],
    [
      'secrets, and not valid yet',
      'it is not valid yet, by 10 days: the clocks of its issuer and of the gateway differ, and 0 s of leeway are set',
      () => signToken(issuer, key, { nbf: LATER, exp: LATER + 60, ...hidden }),
    ],
    [
      'an event that logs somebody out',
      'it is a logout token',
      () => signToken(issuer, key, { exp: LATER, events: { [LOGOUT]: hidden } }),
    ],
    [
      'a wrong signature',
      'its signature is wrong',
      async () => wrongly(await signToken(issuer, key, hidden)),
    ],
  ])('is told in words of ours: %s', async (_, reason, make) => {
    const error = await refusal(await make());
    expect(error.detail).toBe(reason);
    expect(everything(error)).not.toContain(SECRET);
  });

  it('never quotes what was given, whatever that was', async () => {
    const printable = fc.string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 40 });
    const given = fc.oneof(
      printable,
      fc.tuple(printable, printable).map(([head, claims]) => `${encoded(head)}.${encoded(claims)}.c2ln`),
      fc.tuple(printable, printable).map(([kid, sub]) => `${rawToken({ alg: 'ES256', kid }, { sub })}c2ln`),
    );
    const words = new Set<string | undefined>();
    await fc.assert(
      fc.asyncProperty(given, async (token) => {
        words.add((await refusal(token)).detail);
      }),
      { numRuns: 60 },
    );
    for (const detail of words) expect(detail).toMatch(/^(?:it|its|there) [a-zA-Z :,"]+$/);
  });
});

function wrongly(token: string): string {
  const [header, claims, signature] = token.split('.');
  return `${header}.${claims}.${Buffer.from(signature!, 'base64url').reverse().toString('base64url')}`;
}
