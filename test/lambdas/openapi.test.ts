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
const operations = Object.entries(document.paths!).map(([path, item]) => ({ path, get: item.get! }));

describe('the OpenAPI document', () => {
  it('is served as it is', async () => {
    const { status, body } = await call(openApiHandler({ log: () => undefined }), '/v1/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(document)));
    expect(body['openapi']).toBe('3.1.0');
  });

  it('has every path, for reading only', () => {
    expect(operations.map(({ path }) => path)).toEqual([
      '/v1/sessions',
      '/v1/sessions/{id}',
      '/v1/sessions/{id}/ledger',
      '/v1/sessions/{id}/evidence',
      '/v1/targets',
      '/v1/signer',
      '/v1/openapi.json',
    ]);
    for (const item of Object.values(document.paths!)) expect(Object.keys(item)).toEqual(['get']);
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
    expect(parameters.map(({ name }) => name)).toEqual(['limit', 'cursor', 'target']);
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
    expect(open).toEqual(['/v1/signer', '/v1/openapi.json']);
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
