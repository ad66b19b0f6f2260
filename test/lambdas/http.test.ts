import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bodyOf } from '../../lambdas/http.ts';
import { event } from './support.ts';

const shape = z.object({ target: z.string(), more: z.unknown() });

function read(body: string | Uint8Array): unknown {
  const sent =
    typeof body === 'string'
      ? { body }
      : { body: Buffer.from(body).toString('base64'), isBase64Encoded: true };
  return bodyOf(shape, {
    ...event('/v1/requests', {}),
    ...sent,
    headers: { 'content-type': 'application/json' },
  });
}

describe('a body', () => {
  it('is read as it is', () => {
    expect(read('{"target":"a","more":{"target":"b"}}')).toEqual({ target: 'a', more: { target: 'b' } });
  });

  it.each<[what: string, body: string | Uint8Array, detail: string]>([
    ['a name twice', '{"target":"a","target":"b"}', 'has the member "target" twice in one object'],
    ['a name twice, with an escape', '{"target":"a","t\\u0061rget":"b"}', 'twice in one object'],
    ['a name twice further in', '{"target":"a","more":[{"x":1,"x":2}]}', 'has the member "x" twice'],
    ['__proto__', '{"target":"a","__proto__":{}}', '__proto__'],
    ['levels without end', `{"target":"a","more":${'['.repeat(9000)}${']'.repeat(9000)}}`, 'levels deep'],
    ['bytes that are no text', Buffer.from('{"target":"\xff"}', 'latin1'), 'is not UTF-8'],
    ['no JSON', '{target:1}', 'is not JSON'],
  ])('with %s is refused', (_, body, detail) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({ code: 'format-invalid', message: expect.stringContaining(detail) as string }),
    );
  });
});
