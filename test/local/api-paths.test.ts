/** What stands in a path is anybody's: whatever it is, the answer is a problem of who asked, not a fault of the gateway. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DemoRole } from '#adapters/local/demo-issuer.ts';
import { openApiDocument } from '#lambdas/openapi.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
afterAll(() => local?.stop());

const SEGMENTS = [
  ...['%00', '%0A', '%1B%5B2J', '%7F', '%C2%84', '%E2%80%AE', '%EF%BF%BE', '%ED%A0%80', '%', '%FF'],
  ...['..%2F..%2Fcustody.yaml', '%5C..', 'x', '-1', '1e3', '0x10', '18446744073709551616', '__proto__'],
  'a'.repeat(1000),
];

/** Of operations that read their body before they look at the path. */
const BODIES: Readonly<Record<string, unknown>> = {
  '/v1/requests/{id}/decisions': { decision: 'approved' },
  '/v1/requests/{id}/review': { verdict: 'justified' },
  '/v1/sessions/{id}/reruns': { against: 'sandbox-db' },
};

const operations = Object.entries(openApiDocument().paths ?? {})
  .filter(([path]) => path.includes('{'))
  .flatMap(([path, item]) => Object.keys(item).map((method) => [method.toUpperCase(), path] as const));

it.each(operations)('%s %s', async (method, path) => {
  for (const role of ['auditor', 'admin'] as const) {
    const answers = await answersOf(role, method, path);
    for (const { segment, status, type, text } of answers) {
      expect(Math.floor(status / 100), `${segment}: ${status} ${text}`).toBe(4);
      expect(type, segment).toMatch(/^application\/(?:problem|scim)\+json/);
    }
  }
});

async function answersOf(role: DemoRole, method: string, path: string) {
  const headers = {
    authorization: `Bearer ${await local.token(role)}`,
    'content-type': path.startsWith('/v1/scim') ? 'application/scim+json' : 'application/json',
  };
  const body = method === 'GET' || method === 'DELETE' ? null : JSON.stringify(BODIES[path] ?? {});
  const asked = SEGMENTS.map(async (segment) => {
    const url = local.addresses.api + path.replaceAll(/\{\w+\}/g, () => segment);
    const answer = await fetch(url, { method, headers, body, redirect: 'manual' });
    const type = answer.headers.get('content-type');
    return { segment, status: answer.status, type, text: await answer.text() };
  });
  return Promise.all(asked);
}
