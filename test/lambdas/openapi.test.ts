import { describe, expect, it } from 'vitest';
import { openApiHandler } from '#lambdas/openapi/handler.ts';
import { openApiDocument } from '#lambdas/openapi.ts';
import { call } from './support.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

const document = openApiDocument();
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const operations = Object.entries(document.paths!).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [{ path, method, get: operation }];
  }),
);

describe('the OpenAPI document', () => {
  it('is served as it is', async () => {
    const { status, body } = await call(openApiHandler({ log: () => undefined }), '/v1/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(document)));
    expect(body['openapi']).toBe('3.1.0');
  });

  it('has every operation', () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'get /v1/requests',
      'post /v1/requests',
      'get /v1/requests/{id}',
      'post /v1/requests/{id}/decisions',
      'post /v1/requests/{id}/return',
      'post /v1/requests/{id}/review',
      'get /v1/grants',
      'get /v1/grants/{id}',
      'post /v1/grants/{id}/return',
      'post /v1/grants/{id}/revocation',
      'get /v1/explanation',
      'get /v1/workflows',
      'get /v1/workflows/{name}',
      'get /v1/runs',
      'post /v1/runs',
      'get /v1/runs/{id}',
      'post /v1/runs/{id}/end',
      'get /v1/runs/{id}/evidence',
      'get /v1/sessions',
      'get /v1/sessions/{id}',
      'get /v1/sessions/{id}/ledger',
      'get /v1/sessions/{id}/evidence',
      'get /v1/sessions/{id}/steps',
      'get /v1/sessions/{id}/steps/{number}/rows',
      'get /v1/sessions/{id}/outline',
      'get /v1/sessions/{id}/export',
      'get /v1/sessions/{id}/live',
      'get /v1/sessions/{id}/summary',
      'post /v1/sessions/{id}/termination',
      'post /v1/sessions/{id}/reruns',
      'get /v1/search',
      'get /v1/search/sessions',
      'post /v1/devices/challenge',
      'get /v1/devices',
      'post /v1/devices',
      'get /v1/devices/{id}',
      'post /v1/devices/{id}/approve',
      'post /v1/devices/{id}/revoke',
      'get /v1/sandboxes',
      'post /v1/sandboxes',
      'get /v1/sandboxes/{id}',
      'delete /v1/sandboxes/{id}',
      'get /v1/scim/{issuer}/v2/{proxy}',
      'post /v1/scim/{issuer}/v2/{proxy}',
      'put /v1/scim/{issuer}/v2/{proxy}',
      'patch /v1/scim/{issuer}/v2/{proxy}',
      'delete /v1/scim/{issuer}/v2/{proxy}',
      'get /v1/ssh',
      'get /v1/ssh/certificates',
      'post /v1/ssh/certificates',
      'post /v1/ssh/certificates/{serial}/revoke',
      'post /v1/ssh/revocations',
      'get /v1/targets',
      'get /v1/whoami',
      'get /v1/config',
      'get /v1/status',
      'get /v1/dead-letters',
      'post /v1/dead-letters',
      'get /v1/ledger/checkpoint',
      'get /v1/ledger/{proxy}',
      'post /v1/logout/{issuer}',
      'get /v1/signer',
      'get /v1/login',
      'get /v1/openapi.json',
    ]);
    for (const item of Object.values(document.paths!))
      expect(METHODS).toEqual(expect.arrayContaining(Object.keys(item)));
    const ids = operations.map(({ get }) => get.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('names the bounds that the handlers keep', () => {
    const { get } = operations.find(({ path }) => path === '/v1/sessions')!;
    const parameters = get.parameters as unknown as readonly Parameter[];
    const limit = parameters.find(({ name }) => name === 'limit');
    expect(limit).toMatchObject({
      in: 'query',
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    });
    expect(limit!.required ?? false).toBe(false);
    expect(parameters.map(({ name }) => name)).toEqual([
      'state',
      'limit',
      'cursor',
      'target',
      'person',
      'run',
      'since',
      'until',
    ]);
  });

  it('declares each name in a path', () => {
    for (const { path, get } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = (get.parameters ?? []) as unknown as readonly Parameter[];
      expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(named);
    }
  });

  it('asks for a token everywhere but where everything is public', () => {
    const open = operations.filter(({ get }) => get.security?.length === 0).map(({ path }) => path);
    expect(open).toEqual(['/v1/logout/{issuer}', '/v1/signer', '/v1/login', '/v1/openapi.json']);
    expect(document.security).toEqual([{ oidc: [] }]);
  });

  it('has every schema that it refers to', () => {
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name!,
    );
    expect(refs.length).toBeGreaterThan(0);
    expect(Object.keys(document.components!.schemas!)).toEqual(expect.arrayContaining(refs));
  });
});
