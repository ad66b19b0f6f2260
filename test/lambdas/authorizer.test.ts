import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { refusedToken } from '#core/identity/token-refusals.ts';
import { type AuthorizerAnswer, authorizerHandler } from '#lambdas/authorizer/handler.ts';
import { callerOf } from '#lambdas/caller.ts';
import type { ApiEvent } from '#lambdas/http.ts';
import { rawToken } from '#test/support/issuer.ts';
import { type Call, event, verifier } from './support.ts';

function authorizer(verify = (token: string) => verifier.verify(token)) {
  const clock = { ms: 0 };
  const faults: CustodyError[] = [];
  const refusals: (readonly [code: string, token: string | undefined])[] = [];
  const failures = new TokenFailures(() => clock.ms);
  const handle = authorizerHandler({
    verifier: () => ({ verify }),
    failures,
    refused: (...refusal) => void refusals.push(refusal),
    log: (error) => void faults.push(error),
  });
  const ask = (how: Call): Promise<AuthorizerAnswer> =>
    handle(event('/v1/sessions', how) as unknown as APIGatewayRequestAuthorizerEventV2);
  return { ask, clock, faults, refusals };
}

const bearing = (authorization: string): Call => ({ headers: { authorization } });

describe('the authorizer', () => {
  it.each([
    'dana',
    'Basic dana',
    'Bearer',
    'Bearer ',
    'Bearer dana eve',
    'Bearer dana, Bearer eve',
    'Bearerdana',
    ' Bearer dana',
    'Bearer\tdana',
  ])('knows nobody by %j (security case 22)', async (authorization) => {
    expect(await authorizer().ask(bearing(authorization))).toMatchObject({
      isAuthorized: false,
      context: { code: 'token-missing' },
    });
  });

  it.each(['Bearer dana', 'bearer dana', 'BEARER  dana'])('knows who by %j', async (authorization) => {
    const answer = await authorizer().ask(bearing(authorization));
    expect(answer.isAuthorized).toBe(true);
    const handed = { ...event('/'), requestContext: { authorizer: { lambda: answer.context } } };
    expect(callerOf(handed as unknown as ApiEvent)).toMatchObject({
      subject: 'dana',
      groups: ['developers'],
    });
  });

  it('tells of every refusal, and of nobody that is let in', async () => {
    const { ask, refusals } = authorizer();
    await ask(bearing('Bearer dana'));
    await ask(bearing('Bearer nobody'));
    await ask({});
    expect(refusals).toEqual([
      ['token-invalid', 'nobody'],
      ['token-missing', undefined],
    ]);
  });

  it('never takes a token from the query (security case 22)', async () => {
    const answer = await authorizer().ask({ query: { access_token: 'dana', authorization: 'Bearer dana' } });
    expect(answer).toMatchObject({ isAuthorized: false, context: { code: 'token-missing' } });
  });

  it('hands on who it is, and not the token (security case 15)', async () => {
    const answer = await authorizer((token) => verifier.verify(token.slice(7))).ask({ token: 'secret-dana' });
    expect(answer.isAuthorized).toBe(true);
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('stops to look at tokens from an address that failed too often, and at no other', async () => {
    const { ask, clock } = authorizer();
    const from = (sourceIp: string, token: string) => ask({ sourceIp, token });
    for (let n = 0; n < 20; n += 1) {
      expect(await from('192.0.2.7', 'mallory')).toMatchObject({ context: { code: 'token-invalid' } });
    }
    expect(await from('192.0.2.7', 'dana')).toMatchObject({ context: { code: 'too-many-failures' } });
    expect(await from('192.0.2.8', 'dana')).toMatchObject({ isAuthorized: true });
    clock.ms += 60_000;
    expect(await from('192.0.2.7', 'dana')).toMatchObject({ isAuthorized: true });
  });

  it('never stops to look at tokens that are genuine and have expired', async () => {
    const { ask } = authorizer(async (token) => {
      if (token === 'old') throw refusedToken('it expired 5 min ago');
      return verifier.verify(token);
    });
    for (let n = 0; n < 300; n += 1)
      expect(await ask({ token: 'old', sourceIp: '192.0.2.7' })).toMatchObject({
        context: { code: 'token-invalid', message: 'the token is not valid here: it expired 5 min ago' },
      });
    expect(await ask({ token: 'dana', sourceIp: '192.0.2.7' })).toMatchObject({ isAuthorized: true });
  });

  it('looks at whom it knows from an address, whoever makes up names there', async () => {
    const { ask } = authorizer();
    const from = (token: string) => ask({ token, sourceIp: '192.0.2.7' });
    expect(await from('dana')).toMatchObject({ isAuthorized: true });
    for (let n = 0; n < 200; n += 1)
      expect(await from(rawToken({ kid: 'k' }, { sub: `made-up-${n}` }))).toMatchObject({
        context: { code: 'token-invalid' },
      });
    expect(await from('dana')).toMatchObject({ isAuthorized: true });
    expect(await from(rawToken({ kid: 'k' }, { sub: 'sam' }))).toMatchObject({
      context: { code: 'too-many-failures' },
    });
  });

  it('goes by the address of the connection, whatever headers say (security case 19)', async () => {
    const { ask } = authorizer();
    for (let n = 0; n < 20; n += 1) {
      const headers = { 'x-forwarded-for': `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` };
      await ask({ token: 'mallory', sourceIp: '192.0.2.7', headers });
    }
    const headers = { 'x-forwarded-for': '198.51.100.99' };
    expect(await ask({ token: 'dana', sourceIp: '192.0.2.7', headers })).toMatchObject({
      context: { code: 'too-many-failures' },
    });
  });

  it('blames nobody for an identity provider that is down, and says so to the operator', async () => {
    const down = new CustodyError('issuer-unreachable', 'the identity provider cannot be reached');
    const { ask, faults } = authorizer(() => Promise.reject(down));
    for (let n = 0; n < 30; n += 1) {
      expect(await ask({ token: 'dana' })).toMatchObject({ context: { code: 'issuer-unreachable' } });
    }
    expect(faults).toHaveLength(30);
  });

  it('tells a caller nothing of what went wrong inside', async () => {
    const { ask, faults } = authorizer(() => Promise.reject(new Error('/etc/shadow: no')));
    const answer = await ask({ token: 'dana' });
    expect(answer).toMatchObject({ isAuthorized: false, context: { code: 'internal' } });
    expect(JSON.stringify(answer)).not.toContain('shadow');
    expect(faults[0]!.detail).toContain('shadow');
  });

  it('refuses an identity that no leaf could hold', async () => {
    const long = { subject: 'x'.repeat(256), issuer: 'i', groups: [], expiresAt: new Date(1) };
    const answer = await authorizer(async () => long).ask({ token: 'dana' });
    expect(answer).toMatchObject({ isAuthorized: false, context: { code: 'token-invalid' } });
  });
});

describe('a handler', () => {
  it('knows nobody where no authorizer was', () => {
    expect(() => callerOf(event('/', { token: 'dana' }))).toThrow(
      expect.objectContaining({ code: 'token-missing' }),
    );
  });

  it.each(['{}', '{"subject":"dana"}', '[]', 'null'])('knows nobody by %s', (principal) => {
    const handed = { ...event('/'), requestContext: { authorizer: { lambda: { principal } } } };
    expect(() => callerOf(handed as unknown as ApiEvent)).toThrow(
      expect.objectContaining({ code: 'token-missing' }),
    );
  });
});
