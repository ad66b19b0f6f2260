import { describe, expect, test } from 'vitest';
import { Cursor } from '#core/protocols/postgres/wire.ts';
import { refusalOf } from './support.ts';

describe('Cursor', () => {
  // Security case 16: a length is a claim, and a negative one would walk backwards.
  test.each([-1, -2, -0x80000000, 5, 0x7fffffff])('does not take %i of 4 bytes', (length) => {
    const cursor = new Cursor(Uint8Array.of(1, 2, 3, 4));
    expect(refusalOf(() => cursor.take(length))).toBe('protocol-violation');
    expect(cursor.left).toBe(4);
  });

  test('reads numbers with their signs', () => {
    const cursor = new Cursor(
      Uint8Array.of(0xff, 0xfe, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe),
    );
    expect([cursor.int16(), cursor.count(), cursor.int32(), cursor.uint32()]).toEqual([
      -2, 0xfffe, -2, 0xfffffffe,
    ]);
    expect(refusalOf(() => cursor.byte())).toBe('protocol-violation');
  });
});
