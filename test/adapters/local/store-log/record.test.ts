import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecords, encodeRecord, type LogRecord } from '#adapters/local/store-log/record.ts';

const records = fc.array(
  fc.record<LogRecord>({
    kind: fc.constantFrom('object', 'withdrawn', 'listed', 'ended', 'leaf'),
    name: fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.toWellFormed()),
    bytes: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 8 },
);

function read(file: Uint8Array): LogRecord[] {
  return [...decodeRecords(Buffer.from(file))].map(({ kind, name, bytes }) => ({
    ...{ kind, name },
    bytes: Uint8Array.from(bytes),
  }));
}

describe('records of a store log', () => {
  it('are read as they were written, with zeros behind them or a torn one', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(600), (written, cut, zeros) => {
        const encoded = written.map(encodeRecord);
        const whole = Buffer.concat(encoded);
        expect(read(Buffer.concat([whole, Buffer.alloc(zeros)]))).toEqual(written);
        const torn = whole.subarray(0, whole.byteLength === 0 ? 0 : cut % whole.byteLength);
        const left = Buffer.concat([torn, Buffer.alloc(zeros)]);
        let [there, size] = [0, 0];
        // One that ends in zeros is whole where only those were torn off.
        for (const { byteLength } of encoded)
          if (left.subarray(0, (size += byteLength)).equals(whole.subarray(0, size))) there += 1;
        expect(read(left)).toEqual(written.slice(0, there));
      }),
    );
  });

  it('end at the first that is damaged, wherever it is', () => {
    const one = encodeRecord({ kind: 'object', name: 'sessions/a/open.json', bytes: Buffer.from('one') });
    const two = encodeRecord({ kind: 'leaf', name: '', bytes: Buffer.from('two') });
    for (let at = 0; at < two.byteLength; at += 1) {
      const damaged = Buffer.from(two);
      damaged[at]! ^= 0x41;
      expect(read(Buffer.concat([one, damaged, one])), `at ${at}`).toHaveLength(1);
    }
    expect(read(Buffer.concat([one, two, one]))).toHaveLength(3);
  });
});
