import { isUtf8 } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextEncodings } from '#core/protocols/postgres/encoding/encoding.ts';
import { MULTI_BYTE, SINGLE_BYTE } from '#test/support/server-encodings.ts';

const encodings = new TextEncodings();
const ALL = [
  'UTF8',
  'SQL_ASCII',
  'MULE_INTERNAL',
  'nobody knows',
  ...SINGLE_BYTE,
  ...Object.keys(MULTI_BYTE),
];

function decode(encoding: string, hex: string, isCut = false) {
  return encodings.get(encoding).decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), isCut);
}

describe('decoding', () => {
  test.each([
    ['LATIN1', '70ea636865', 'pêche'],
    ['LATIN9', 'a4', '€'],
    ['WIN1251', 'ecebe2', 'млв'],
    ['SJIS', '955c 8f5c b1', '表十ｱ'],
    ['EUC_JP', 'b4c1 8eb1 8fb0a1', '漢ｱ丂'],
    ['GB18030', 'd2bb 8139ee39 95328236', '一㐀𠀀'],
    ['BIG5', 'a45c', '么'],
    ['UHC', '8141', '갂'],
    ['EUC_TW', 'a4a1 8ea2a1a1', '０乂'],
    ['SHIFT_JIS_2004', '82f5', 'か゚'],
    ['SQL_ASCII', 'c3a9', 'é'],
    ['UTF8', 'efbbbf f09f9880', '\ufeff😀'],
  ])('%s %s is %s', (encoding, hex, text) => {
    expect(decode(encoding, hex)).toEqual({ text, undecoded: false });
  });

  test.each([
    ['UTF8', '61 e9 62', 'a\\xe9b'],
    ['UTF8', 'c0af eda080 f4908080', '\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80'],
    ['UTF8', 'e282 41 c3', '\\xe2\\x82A\\xc3'],
    ['SQL_ASCII', 'c3a9 e9', 'é\\xe9'],
    ['WIN1252', '81 80', '\\x81€'],
    ['SJIS', '83 27 20', "\\x83' "],
    ['SJIS', 'fdfd', '\\xfd\\xfd'],
    ['EUC_JP', '8fb0', '\\x8f\\xb0'],
    ['MULE_INTERNAL', '61 81e9', 'a\\x81\\xe9'],
    ['nobody knows', '61 e9', 'a\\xe9'],
  ])('%s %s is not text: %s', (encoding, hex, text) => {
    expect(decode(encoding, hex)).toEqual({ text, undecoded: true });
  });

  test.each([
    ['UTF8', '61 e282', 'a'],
    ['SQL_ASCII', '61 e9 c3', 'a\\xe9'],
    ['SJIS', '61 95', 'a'],
    ['EUC_JP', '8fb0', ''],
    ['GB18030', '61 8139ee', 'a'],
    ['LATIN1', '61 e9', 'aé'],
  ])('%s %s, cut: what the cut divides is left out', (encoding, hex, text) => {
    expect(decode(encoding, hex, true).text).toBe(text);
  });

  test('any bytes give a bounded text, which says whether it is all of them', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL),
        fc.uint8Array({ maxLength: 40 }),
        fc.boolean(),
        (name, bytes, isCut) => {
          const { text, undecoded } = encodings.get(name).decode(bytes, isCut);
          expect(text.length).toBeLessThanOrEqual(bytes.length * 4);
          expect(text.includes('\ufffd') && name !== 'UTF8' && name !== 'SQL_ASCII').toBe(false);
          expect(undecoded && !text.includes('\\x')).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('UTF-8 is what the platform takes for it, and no byte of another text is lost', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    const parts = fc.array(pieces, { maxLength: 6 }).map((list) => Buffer.concat(list));
    fc.assert(
      fc.property(parts, (bytes) => {
        const { text, undecoded } = encodings.get('UTF8').decode(bytes);
        expect(undecoded).toBe(!isUtf8(bytes));
        const unescaped = Buffer.from(text.replaceAll(/\\x[89a-f][\da-f]/g, '?'));
        expect(undecoded || unescaped.equals(bytes)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
