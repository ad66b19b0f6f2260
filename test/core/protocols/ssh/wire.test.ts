import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { SshReader, SshWriter } from '#core/protocols/ssh/wire.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

/** The code with which it is refused; what else is thrown passes on. */
function refusal(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof CustodyError) return error.code;
    throw error;
  }
}

const bytes = fc.uint8Array({ maxLength: 300 });

describe('the data types of RFC 4251 section 5', () => {
  test.each([
    ['0', '', '00000000'],
    ['9a378f9b2e332a7', '09a378f9b2e332a7', '0000000809a378f9b2e332a7'],
    ['80', '80', '000000020080'],
    ['zeros before it', '0000ff', '0000000200ff'],
  ])('mpint %s', (_, value, wire) => {
    const written = new SshWriter().mpint(hex(value)).done();
    expect(Buffer.from(written).toString('hex')).toBe(wire);
    const trimmed = value.replace(/^(?:00)+/, '');
    expect(Buffer.from(new SshReader(written).mpint()).toString('hex')).toBe(trimmed);
  });

  test('name lists', () => {
    expect(new SshWriter().nameList([]).done()).toEqual(hex('00000000'));
    expect(new SshWriter().nameList(['zlib', 'none']).done()).toEqual(hex('00000009 7a6c69622c6e6f6e65'));
    expect(new SshReader(hex('00000009 7a6c69622c6e6f6e65')).nameList()).toEqual(['zlib', 'none']);
  });

  test('are read as they were written', () => {
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.nat(0xffff_ffff),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.boolean(),
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        (string, number, uint32, uint64, boolean, text) => {
          const written = new SshWriter(1)
            .string(string)
            .mpint(number)
            .uint32(uint32)
            .uint64(uint64)
            .boolean(boolean)
            .string(text)
            .raw(string)
            .done();
          const reader = new SshReader(written);
          expect(reader.string()).toEqual(string);
          expect(Buffer.from(reader.mpint()).toString('hex')).toBe(
            Buffer.from(number)
              .toString('hex')
              .replace(/^(?:00)+/, ''),
          );
          expect([reader.uint32(), reader.uint64(), reader.boolean()]).toEqual([uint32, uint64, boolean]);
          expect(reader.text()).toBe(text);
          expect(reader.rest()).toEqual(string);
          reader.end();
        },
      ),
    );
  });
});

describe('malformed messages are refused', () => {
  test.each<[string, string, (reader: SshReader) => unknown, RegExp]>([
    ['no byte', '', (r) => r.byte(), /shorter/],
    ['half a number', '000000', (r) => r.uint32(), /shorter/],
    ['half a long number', '00000000000000', (r) => r.uint64(), /shorter/],
    ['a string without its end', '00000005 61626364', (r) => r.string(), /shorter/],
    ['a huge string', 'ffffffff 61', (r) => r.string(), /shorter/],
    ['a string over its bound', '00000002 6162', (r) => r.string(1), /2 bytes long, more than 1/],
    ['text that is no UTF-8', '00000001 ff', (r) => r.text(), /not UTF-8/],
    ['text with NUL', '00000003 610062', (r) => r.text(), /NUL/],
    ['an empty name', '00000000', (r) => r.name(), /none/],
    ['a name with a space', '00000003 612062', (r) => r.name(), /none/],
    ['a name with a comma', '00000003 612c62', (r) => r.name(), /none/],
    ['an empty name in a list', '00000003 612c2c', (r) => r.nameList(), /none/],
    ['too many names', '00000005 612c622c63', (r) => r.nameList(2), /none/],
    ['a negative number', '00000001 80', (r) => r.mpint(), /negative/],
    ['a padded number', '00000002 0001', (r) => r.mpint(), /padded/],
    ['a padded zero', '00000001 00', (r) => r.mpint(), /padded/],
    ['a number one byte over its bound', '00000002 0101', (r) => r.mpint(1), /2 bytes long, more than 1/],
    ['bytes after the end', '00', (r) => r.end(), /longer/],
  ])('%s', (_, wire, read, expected) => {
    expect(() => read(new SshReader(hex(wire)))).toThrow(expected);
  });

  test('and nothing else than a violation comes of any bytes', () => {
    const reads = ['string', 'text', 'words', 'name', 'nameList', 'mpint', 'uint64', 'byte'] as const;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(fc.constantFrom(...reads)), (wire, order) => {
        const reader = new SshReader(wire);
        const refused = refusal(() => order.forEach((read) => reader[read]()));
        expect([undefined, 'protocol-violation']).toContain(refused);
        expect(reader.at).toBeLessThanOrEqual(wire.length);
      }),
    );
  });
});
