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

it('security case 18: no word of it acts on the terminal of who runs kubectl', () => {
  const hostile = 'the command \u001b]0;owned\u0007 \u009b31m \u202e is forbidden\r\nError from server: no';
  const { body, headers } = statusOf(new CustodyError('access-denied', hostile, { hint: 'a\u001b[2Jb' }));
  const { message, details } = JSON.parse(Buffer.from(body).toString());
  // eslint-disable-next-line no-control-regex
  // eslint-disable-next-line no-control-regex
  const acts = /[\p{Cf}\u0000-\u0008\u000e-\u001f\u007f-\u009f]/u;
  for (const text of [message, details.causes[0].message]) expect(text).not.toMatch(acts);
  expect(message).not.toContain('\n');
  expect(JSON.stringify(headers)).not.toMatch(/owned/);
});
