import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { apiFunction, type Routes } from '#lambdas/api-function.ts';
import type { FreshPolicy } from '#lambdas/fresh-policy.ts';
import type { ApiEvent, HttpHandler } from '#lambdas/http.ts';
import { type Telemetry, telemetryFor } from '#lambdas/telemetry.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { DATA_HEADERS } from '../../console/build/headers.ts';

const TOKEN = 'the-token';
const echo: HttpHandler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });

const named =
  (body: string): HttpHandler =>
  async () => ({ statusCode: 200, body });

/** A function with these routes, what it logged as its own fault, and a policy that a test makes unseen. */
function stand(routes: Routes) {
  const faults: CustodyError[] = [];
  const telemetry: Telemetry = { ...telemetryFor('test'), log: (error) => void faults.push(error) };
  const state = { looks: 0, unseen: undefined as Error | undefined, broken: undefined as Error | undefined };
  const policy = {
    look: async () => {
      state.looks += 1;
      if (state.unseen !== undefined) throw state.unseen;
    },
  } as FreshPolicy;
  const handler = apiFunction(telemetry, async () => {
    if (state.broken !== undefined) throw state.broken;
    return { policy, routes };
  });
  const call = (rawPath: string, headers: Record<string, string> = {}) =>
    handler({ rawPath, headers, requestContext: {} } as unknown as ApiEvent, contextFor());
  return { call, faults, state };
}

describe('a function of the API', () => {
  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])(
    'takes the token off before anything else sees the call: %s (security case 15)',
    async (name) => {
      const { body } = await stand([['/v1/a', echo]]).call('/v1/a', {
        [name]: `Bearer ${TOKEN}`,
        accept: 'x',
      });
      expect(body).toContain('"accept":"x"');
      expect(body).not.toContain(TOKEN);
    },
  );

  it('goes by the beginning of the path, in whole parts', async () => {
    const { call, faults } = stand([
      ['/v1/a', named('a')],
      ['/v1/ab', named('ab')],
    ]);
    const bodies = ['/v1/a', '/v1/a/b/c', '/v1/ab', '/v1/ab/c'].map(async (path) => (await call(path)).body);
    expect(await Promise.all(bodies)).toEqual(['a', 'a', 'ab', 'ab']);
    for (const path of ['/v1/abc', '/v1', '/', '', '/x/v1/a', '/v1/%61']) {
      expect((await call(path)).statusCode, path).toBe(404);
    }
    expect(faults).toEqual([]);
  });

  it('says of every answer that it is data, unless the answer says more of itself (security case 18)', async () => {
    const page: HttpHandler = async () => ({
      statusCode: 200,
      headers: { 'content-security-policy': "script-src 'self'" },
    });
    const { call, state } = stand([
      ['/v1/a', named('<script>alert(1)</script>')],
      ['/page', page],
    ]);
    expect((await call('/v1/a')).headers).toEqual(DATA_HEADERS);
    expect((await call('/nothing')).headers).toMatchObject(DATA_HEADERS);
    expect((await call('/page')).headers).toEqual({
      ...DATA_HEADERS,
      'content-security-policy': "script-src 'self'",
    });
    state.unseen = new CustodyError('store-unavailable', 'try again');
    expect((await call('/v1/a')).headers).toMatchObject(DATA_HEADERS);
  });

  it('looks at the policy before each call, and answers nothing when that cannot be seen (security case 12)', async () => {
    const { call, state, faults } = stand([['/v1/a', named('a')]]);
    await call('/v1/a');
    await call('/v1/a');
    expect(state.looks).toBe(2);
    state.unseen = new CustodyError('store-unavailable', 'try again', { detail: 'AccessDenied' });
    const { statusCode, body } = await call('/v1/a');
    expect([statusCode, faults]).toEqual([503, [state.unseen]]);
    expect(body).not.toContain('AccessDenied');
  });

  it('answers and logs that it could not be made, and makes itself at the next call', async () => {
    const { call, state, faults } = stand([['/v1/a', named('a')]]);
    state.broken = new CustodyError('config-invalid', 'CUSTODY_BUCKET is missing');
    const { statusCode, body } = await call('/v1/a');
    expect([statusCode, faults]).toEqual([500, [state.broken]]);
    expect(body).not.toContain('CUSTODY_BUCKET');
    state.broken = undefined;
    expect(await call('/v1/a')).toMatchObject({ statusCode: 200, body: 'a' });
  });
});
