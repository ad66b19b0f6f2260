import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '#lambdas/http.ts';
import { apiEventOf, authorizerEventOf, restAnswerOf } from '#lambdas/rest-event.ts';
import { restCall } from '#test/support/rest-event.ts';

describe('a call through a private API', () => {
  it('is to handlers what one through an HTTP API is', () => {
    const event = restCall('GET', '/v1/sessions', {
      headers: { 'X-Custom': ['a', 'b'], Accept: ['application/json'] },
      query: { target: ['orders'], since: ['2026-01-01', '2026-02-01'] },
      authorizer: { principal: '{}', address: '192.0.2.9', principalId: 'caller', integrationLatency: 3 },
    });
    expect(apiEventOf(event)).toMatchObject({
      routeKey: 'GET /v1/sessions',
      rawPath: '/v1/sessions',
      rawQueryString: 'target=orders&since=2026-01-01&since=2026-02-01',
      queryStringParameters: { target: 'orders', since: '2026-01-01,2026-02-01' },
      headers: { 'x-custom': 'a,b', accept: 'application/json' },
      requestContext: {
        http: { method: 'GET', path: '/v1/sessions', sourceIp: '10.1.2.3' },
        authorizer: { lambda: { principal: '{}', address: '192.0.2.9' } },
      },
    });
  });

  it('has no authorizer where none was before it, whatever it says', () => {
    const event = restCall('GET', '/v1/login', { headers: { authorizer: ['{"lambda":{}}'] } });
    expect(apiEventOf(event).requestContext.authorizer).toBeUndefined();
  });

  it('has its body as it was sent: as base64, where API Gateway takes everything for binary', () => {
    const event = apiEventOf(restCall('POST', '/v1/requests', { body: '{"a":"ü"}' }));
    expect(bytesOf(event).toString()).toBe('{"a":"ü"}');
  });

  it('stays what it is where it came through an HTTP API', () => {
    const event = { rawPath: '/v1/login' } as never;
    expect(apiEventOf(event)).toBe(event);
    expect(authorizerEventOf(event)).toBe(event);
  });
});

describe('the answer of the authorizer', () => {
  const arn = 'arn:aws:execute-api:eu-central-1:123456789012:abc/v1/GET/sessions';

  it('is a policy for this one call', () => {
    expect(
      restAnswerOf({ isAuthorized: true, context: { principal: '{}', address: '10.1.2.3' } }, arn),
    ).toEqual({
      principalId: 'caller',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn }],
      },
      context: { principal: '{}', address: '10.1.2.3' },
    });
  });

  it('denies it where nobody is let in', () => {
    const context = { code: 'token-missing', message: 'm', hint: 'h' };
    const { policyDocument } = restAnswerOf({ isAuthorized: false, context }, arn);
    expect(policyDocument.Statement).toEqual([expect.objectContaining({ Effect: 'Deny', Resource: arn })]);
  });

  it('is asked for with what it goes by', () => {
    const asked = restCall('GET', '/v1/sessions', { headers: { Authorization: ['Bearer dana'] } });
    expect(authorizerEventOf(asked as unknown as APIGatewayRequestAuthorizerEvent)).toMatchObject({
      headers: { authorization: 'Bearer dana' },
      requestContext: { http: { sourceIp: '10.1.2.3' } },
    });
  });
});
