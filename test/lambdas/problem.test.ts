import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { httpHandler } from '#lambdas/http.ts';
import { problem } from '#lambdas/problem.ts';
import { problemShape } from '#lambdas/shapes.ts';
import { call } from './support.ts';

function failing(thrown: unknown, faults: CustodyError[] = []) {
  return httpHandler(
    (error) => void faults.push(error),
    async () => {
      throw thrown;
    },
  );
}

describe('problem+json', () => {
  it('carries code, words and hint of a CustodyError (RFC 9457)', async () => {
    const faults: CustodyError[] = [];
    const error = new CustodyError('access-denied', 'you may not', { hint: 'ask', detail: 'rule 7 said no' });
    const { status, headers, body } = await call(failing(error, faults), '/');
    expect(status).toBe(403);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    expect(body).toEqual({
      type: 'urn:custody:access-denied',
      title: 'Forbidden',
      status: 403,
      detail: 'you may not',
      code: 'access-denied',
      hint: 'ask',
    });
    expect(problemShape.parse(body)).toEqual(body);
    expect(faults).toEqual([]);
  });

  it.each<[what: string, thrown: unknown]>([
    ['an error of Node', Object.assign(new Error("EACCES: open '/srv/secret'"), { code: 'EACCES' })],
    ['a defect', new TypeError('secret is not a function')],
    ['a text', 'secret'],
    ['an object that looks like ours', { code: 'not-found', message: 'secret', hint: 'secret' }],
    [
      'our own that names a file',
      new CustodyError('state-damaged', 'secret', { hint: 'secret', detail: 'secret' }),
    ],
  ])('says nothing of %s, and logs it (security case 15)', async (_what, thrown) => {
    const faults: CustodyError[] = [];
    const { status, body } = await call(failing(thrown, faults), '/');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(body).not.toHaveProperty('detail');
    expect(faults).toHaveLength(1);
    expect(faults[0]!.cause ?? faults[0]).toBe(thrown);
  });

  it('logs why something cannot be reached: only the operator can mend that (503)', () => {
    const faults: CustodyError[] = [];
    const error = new CustodyError('store-unavailable', 'try again', { detail: 'AccessDenied: secret' });
    const { statusCode, body } = problem(error, (fault) => void faults.push(fault));
    expect([statusCode, faults]).toEqual([503, [error]]);
    expect(body).not.toContain('secret');
  });

  it('never tells the operator’s detail of what is the client’s fault', () => {
    const error = new CustodyError('not-found', 'no such object', { detail: 'sessions/secret' });
    expect(problem(error, () => undefined).body).not.toContain('secret');
  });

  it('stands for an event that is none', async () => {
    const answer = await failing(undefined)({} as never, {} as Context);
    expect(answer.statusCode).toBe(500);
  });
});
