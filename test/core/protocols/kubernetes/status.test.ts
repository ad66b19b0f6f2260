import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { statusOf } from '#core/protocols/kubernetes/status.ts';

const parsed = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString());

describe('a refusal as a Status', () => {
  it('says in one line whose it is, why, and what to do', () => {
    const error = new CustodyError('access-denied', 'the rule "devs"\nforbids it', {
      hint: 'ask\tfor more',
      detail: 'secret',
    });
    const { code, headers, body } = statusOf(
      error,
      callOf('DELETE', '/apis/apps/v1/namespaces/prod/deployments/web'),
    );
    expect(code).toBe(403);
    expect(headers).toContainEqual(['Content-Type', 'application/json']);
    expect(parsed(body)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'custody: the rule "devs" forbids it; ask for more',
      reason: 'Forbidden',
      details: {
        name: 'web',
        group: 'apps',
        kind: 'deployments',
        causes: [{ reason: 'access-denied', message: 'the rule "devs"\nforbids it' }],
      },
      code: 403,
    });
  });

  it.each([
    ['token-invalid', 401, 'Unauthorized', [['WWW-Authenticate', 'Bearer']]],
    ['too-many-connections', 429, 'TooManyRequests', [['Retry-After', '1']]],
    ['draining', 503, 'ServiceUnavailable', [['Retry-After', '1']]],
    ['target-lost', 503, 'ServiceUnavailable', []],
    ['protocol-violation', 400, 'BadRequest', []],
    ['not-approved', 403, 'Forbidden', []],
    ['internal', 500, 'InternalError', []],
  ] as const)('%s is %i %s', (code, status, reason, more) => {
    const answer = statusOf(new CustodyError(code, 'no'));
    expect(answer.code).toBe(status);
    expect(parsed(answer.body)).toMatchObject({ reason, code: status });
    const [, , ...others] = answer.headers;
    expect(others).toEqual(more);
  });
});
