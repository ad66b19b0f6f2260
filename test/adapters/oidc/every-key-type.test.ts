import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';

/** All that a token may be signed with: a kind of key with a way of its own past the checks is how gateways were opened. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const PAST = 1_000_000_000;

const keys = new Map<string, TestKey>();
let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startIssuer();
  for (const alg of ALGORITHMS) keys.set(alg, await makeKey(`key-${alg}`, alg));
  issuer.keys = [...keys.values()].map(({ jwk }) => jwk);
});

afterAll(() => issuer.close());

function verify(token: string): Promise<unknown> {
  const options = { issuer: issuer.url, audience: 'custody', groupsClaim: 'groups', allowHttpLoopback: true };
  return oidcTokenVerifier(options).verify(token);
}

describe.each(ALGORITHMS)('a token signed with %s', (alg) => {
  it('is taken when it is good', async () => {
    await expect(verify(await signToken(issuer, keys.get(alg)!))).resolves.toMatchObject({ subject: 'dana' });
  });

  it.each<[what: string, claims: Record<string, unknown>]>([
    ['is expired', { exp: PAST }],
    ['is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 3_600 }],
    ['is for somebody else', { aud: 'other' }],
    ['is of another issuer', { iss: 'https://id.example' }],
    ['names nobody', { sub: undefined }],
    ['is bound to a device that is not here', { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
  ])('is refused when it %s (security case 1)', async (_what, claims) => {
    const token = await signToken(issuer, keys.get(alg)!, claims);
    await expect(verify(token)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it('is refused when another key of its type signed it (security case 1)', async () => {
    const forged = await signToken(issuer, await makeKey(`key-${alg}`, alg));
    await expect(verify(forged)).rejects.toMatchObject({ code: 'token-invalid' });
  });
});
