import * as fc from 'fast-check';
import { CustodyError } from '#core/errors.ts';
import { message } from '#core/protocols/postgres/wire.ts';

export interface SentMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

export const anyMessages: fc.Arbitrary<SentMessage[]> = fc.array(
  fc.record({
    type: fc.integer({ min: 1, max: 255 }),
    body: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 300 })),
  }),
  { maxLength: 20 },
);

export function encoded(messages: readonly SentMessage[]): Uint8Array {
  return Buffer.concat(messages.map(({ type, body }) => message(type, body)));
}

/** Cuts bytes into chunks whose sizes repeat `sizes`. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length]!;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

export const anySizes: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 400 })),
  { minLength: 1, maxLength: 8 },
);

/** The code of the CustodyError that `run` throws, or `none`. Anything else that is thrown is a bug, and thrown on. */
export function refusalOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (thrown) {
    if (thrown instanceof CustodyError) return thrown.code;
    throw thrown;
  }
}
