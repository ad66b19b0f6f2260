import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { ApiEvent } from './http.ts';

const KEY = /^[\x21-\x7e]{1,128}$/;

/** The header, for the OpenAPI document; `what`: what the same key makes one of. */
export function idempotencyHeader(what: string) {
  const description = `the same key makes one ${what}, however often it is sent`;
  return z.object({ 'idempotency-key': z.string().regex(KEY).optional().meta({ description }) });
}

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
export function idempotencyKey({ headers }: ApiEvent): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || KEY.test(key)) return key;
  throw new CustodyError('format-invalid', 'Idempotency-Key: 1 to 128 printable characters', {
    hint: 'a random UUID will do',
  });
}
