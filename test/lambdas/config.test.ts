import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { configHandler } from '#lambdas/config/handler.ts';
import { call, NOW, POLICY } from './support.ts';

const error = new CustodyError('config-invalid', 'custody.yaml:7:3: rules.0: no');

const config = (token: string, refused?: { error: CustodyError; since: Date }) =>
  call(
    configHandler({ policy: { config: POLICY, refused }, now: () => NOW, log: () => undefined }),
    '/v1/config',
    { token },
  );

describe('GET /v1/config', () => {
  it('says which one is in force, and why a newer one is not', async () => {
    expect((await config('adm')).body).toEqual({ version: POLICY.version });
    expect((await config('adm', { error, since: NOW })).body).toEqual({
      version: POLICY.version,
      refused: { since: NOW.toISOString(), problem: 'custody.yaml:7:3: rules.0: no' },
    });
  });

  it.each(['dana', 'rui', 'ada', 'olga'])('is nothing for %s (security case 7)', async (who) => {
    const { status, body } = await config(who, { error, since: NOW });
    expect([status, JSON.stringify(body).includes('custody.yaml')]).toEqual([403, false]);
  });
});
