import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { showHex, showText, showValue } from '#core/replay/postgres/values.ts';
import binary from '#test/vectors/postgres/binary-values.json' with { type: 'json' };

const UTF8 = new TextEncodings().get('UTF8');
const FLOATS = new Set([700, 701]);

function shown(bytes: Uint8Array, type: number, format = 1, limit = 1000) {
  return showValue({ bytes, length: bytes.length }, type, format, limit, (value, most) =>
    showText(value, most, UTF8),
  );
}

describe('showValue', () => {
  test('binary values as PostgreSQL 15 itself writes them', () => {
    const plain = (type: number, text: string) => (FLOATS.has(type) ? String(Number(text)) : text);
    const texts = binary.map(({ type, hex }) => shown(Buffer.from(hex, 'hex'), type).text);
    expect(texts).toEqual(binary.map(({ type, text }) => plain(type, text)));
    expect(binary.length).toBeGreaterThan(40);
  });

  test('text as it is, whatever the type', () => {
    expect(shown(Buffer.from('pêche'), 23, 0)).toEqual({ text: 'pêche', bytes: 6, cut: false });
    expect(shown(Buffer.from('pêche'), 25)).toEqual({ text: 'pêche', bytes: 6, cut: false });
    expect(shown(Buffer.from('\x01{"a": 1}'), 3802)).toEqual({ text: '{"a": 1}', bytes: 9, cut: false });
  });

  test('unknown types and wrong sizes in hexadecimal', () => {
    expect(shown(Uint8Array.of(1, 0xab), 600).text).toBe('\\x01ab');
    expect(shown(Uint8Array.of(1, 2, 3), 23).text).toBe('\\x010203');
    expect(showHex(Uint8Array.of(1, 2, 3), 2)).toEqual({ text: '\\x0102', bytes: 3, cut: true });
  });

  test('a cut does not leave half a character', () => {
    const value = { bytes: Buffer.from('aé'), length: 3 };
    expect(showText(value, 2, UTF8)).toEqual({ text: 'a', bytes: 3, cut: true });
    expect(showText(value, 3, UTF8)).toEqual({ text: 'aé', bytes: 3, cut: false });
    expect(showText({ bytes: Buffer.from('ab'), length: 100 }, 10, UTF8)).toEqual({
      text: 'ab',
      bytes: 100,
      cut: true,
    });
  });

  test('any bytes of any type give a bounded text', () => {
    const types = fc.constantFrom(16, 17, 20, 21, 23, 25, 26, 700, 701, 1082, 1114, 1184, 2950, 3802, 0);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        types,
        fc.integer({ min: -1, max: 3 }),
        (bytes, type, format) => {
          expect(shown(bytes, type, format, 20).text.length).toBeLessThan(64);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
