import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { expect, test } from 'vitest';
import { connectionOf, throughEdge } from '#lambdas/authorizer/address.ts';

const SECRET = 'nobody knows this one';

function asked(headers: Readonly<Record<string, string>>): APIGatewayRequestAuthorizerEventV2 {
  const event = { headers, requestContext: { http: { sourceIp: '192.0.2.1' } } };
  return event as unknown as APIGatewayRequestAuthorizerEventV2;
}

function edge() {
  const clock = { ms: 0 };
  const secret = { text: SECRET, reads: 0 };
  const read = async (): Promise<string> => {
    secret.reads += 1;
    return secret.text;
  };
  return { addressOf: throughEdge(read, () => clock.ms), clock, secret };
}

test.each([
  [{}, '192.0.2.1'],
  [{ 'x-custody-viewer': '10.0.0.1' }, '192.0.2.1'],
  [{ 'x-forwarded-for': '10.0.0.1', 'x-custody-edge': '' }, '192.0.2.1'],
  [{ 'x-custody-edge': 'guess', 'x-custody-viewer': '10.0.0.1' }, '192.0.2.1'],
  [{ 'x-custody-edge': SECRET, 'x-custody-viewer': '203.0.113.7' }, '203.0.113.7'],
  [{ 'x-custody-edge': SECRET, 'x-custody-viewer': '2001:db8::7' }, '2001:db8::7'],
  [{ 'x-custody-edge': SECRET, 'x-custody-viewer': '10.0.0.1, 203.0.113.7' }, '192.0.2.1'],
  [{ 'x-custody-edge': SECRET }, '192.0.2.1'],
])('a call with %j comes from %s (security case 19)', async (headers, address) => {
  expect(await edge().addressOf(asked(headers as Record<string, string>))).toBe(address);
});

test('no secret is asked for where none is shown, and one that was changed counts after a minute', async () => {
  const { addressOf, clock, secret } = edge();
  const shown = (text: string) =>
    addressOf(asked({ 'x-custody-edge': text, 'x-custody-viewer': '10.0.0.1' }));
  await addressOf(asked({}));
  expect(secret.reads).toBe(0);
  expect(await shown(SECRET)).toBe('10.0.0.1');
  secret.text = 'another';
  expect(await shown(SECRET)).toBe('10.0.0.1');
  expect(secret.reads).toBe(1);
  clock.ms += 60_000;
  expect(await shown(SECRET)).toBe('192.0.2.1');
  expect(await shown('another')).toBe('10.0.0.1');
});

test('where the secret cannot be had, nobody who shows one is let in', async () => {
  const addressOf = throughEdge(
    async () => {
      throw new Error('away');
    },
    () => 0,
  );
  await expect(addressOf(asked({ 'x-custody-edge': SECRET }))).rejects.toThrow('away');
  expect(await addressOf(asked({}))).toBe('192.0.2.1');
});

test('an empty secret is none', async () => {
  const addressOf = throughEdge(
    async () => '',
    () => 0,
  );
  expect(await addressOf(asked({ 'x-custody-edge': '', 'x-custody-viewer': '10.0.0.1' }))).toBe('192.0.2.1');
});

test('a stack without a console before it goes by the connection', () => {
  expect(throughEdge(undefined, () => 0)).toBe(connectionOf);
});
