import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { signerHandler } from '#lambdas/signer/handler.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { call } from './support.ts';

const log = (): void => undefined;

it('gives the public key and its fingerprint, without a token', async () => {
  const { pem, der } = memorySigner();
  const { status, body } = await call(signerHandler({ pem, log }), '/v1/signer');
  expect(status).toBe(200);
  expect(body).toEqual({ pem, fingerprint: createHash('sha256').update(der).digest('hex') });
});

it('is not made from what is no key', () => {
  expect(() => signerHandler({ pem: 'no key', log })).toThrow('unsupported');
});
