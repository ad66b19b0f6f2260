import { describe, expect, test } from 'vitest';
import {
  buildEvidence,
  encodeContent,
  type Files,
  frame,
  honestHead,
  SESSION,
  sealRawHead,
  sealSegment,
  segmentFile,
  sha256,
} from '#test/support/evidence-builder.ts';
import { check, codes, finding, good, keys } from '#test/support/evidence-checks.ts';

/** Class 21 again: segments that are crafted by whoever holds the session key. */

describe('a head that is not one, though signed', () => {
  const withHead = (head: string | Uint8Array) => {
    const files = good();
    const content = files.get(segmentFile(2))!.subarray(0, -512);
    files.set(segmentFile(2), sealRawHead(content, Buffer.from(head), keys.recorder));
    return check(files);
  };
  const real = Buffer.from(good().get(segmentFile(2))!.subarray(-504, -64)).toString();

  test.each([
    ['no line feed at the end', `${real.slice(0, -1)} `, 'is not one line of JSON filled up with spaces'],
    [
      'two lines',
      real.replace(',', ',\n').slice(0, -2).concat('\n'),
      'is not one line of JSON filled up with spaces',
    ],
    ['bytes after the JSON', real.replace('} ', '}x'), 'is not one line of JSON filled up with spaces'],
    ['nothing but spaces', `${' '.repeat(439)}\n`, 'is not one line of JSON filled up with spaces'],
    ['cut off', `${real.slice(0, 100)}}`.padEnd(439).concat('\n'), 'is not JSON'],
    [
      'a name twice',
      `${real.trim().slice(0, -1)},"frames":9}`.padEnd(439).concat('\n'),
      'has the member "frames" twice',
    ],
    [
      'a number that is no number',
      real
        .replace(/"frames":\d/, '"frames":1e999')
        .slice(0, 439)
        .concat('\n'),
      'frames: ',
    ],
    ['another type', real.replace('head/1', 'head/2'), 'is malformed: type: '],
  ])('%s', async (_what, head, message) => {
    const report = await withHead(head);
    const malformed = finding(report, 'segment-malformed');
    expect(malformed?.object).toBe('00000002.seg');
    expect(malformed?.message).toContain('the head of 00000002.seg ');
    expect(malformed?.message).toContain(message);
  });
});

describe('a segment that is not one', () => {
  test.each([0, 1, 511])('cut to %s bytes', async (length) => {
    const files = good();
    const report = await check(files.set(segmentFile(2), files.get(segmentFile(2))!.subarray(0, length)));
    expect(report.verdict).toBe('failed');
    expect(finding(report, 'segment-malformed')?.message).toBe(
      `00000002.seg is not a segment: it is ${length} bytes long, less than the 512 of a trailer`,
    );
  });

  test('cut anywhere else', async () => {
    const files = good();
    const segment = files.get(segmentFile(2))!;
    for (let length = 512; length < segment.length; length++) {
      const report = await check(new Map(files).set(segmentFile(2), segment.subarray(0, length)));
      expect(report.verdict).toBe('failed');
    }
  });

  test('nothing but a trailer', async () => {
    const report = await check(buildEvidence(keys, [[]]));
    expect(report.findings).toEqual([
      { code: 'segment-empty', object: '00000000.seg', message: '00000000.seg holds no frames' },
    ]);
  });

  test('a head that counts wrongly', async () => {
    const input = [[frame(1, 'hello')]];
    const files = buildEvidence(keys, [input], { close: { frames: 2, bytes: 6 } });
    const head = {
      ...honestHead(SESSION, 0, input, files.get('open.json')!),
      frames: 2,
      bytes: 6,
    };
    const report = await check(
      files.set(segmentFile(0), sealSegment(encodeContent(input), head, keys.recorder)),
    );
    expect(codes(report)).toEqual(
      expect.arrayContaining([
        'frames-mismatch 00000000.seg',
        'bytes-mismatch 00000000.seg',
        'totals-mismatch close.json',
      ]),
    );
    expect(finding(report, 'bytes-mismatch')?.message).toBe(
      '00000000.seg holds 5 payload bytes, but its head says 6',
    );
  });

  /** Ten bytes each: RLE of 16 zeros (RFC 8878), a whole and empty frame of the client. */
  const TINY = Buffer.from('28b52ffd201083000000', 'hex');

  function ofTinyBlocks(blocks: number, frames: number): Files {
    const content = Buffer.concat(Array<Buffer>(blocks).fill(TINY));
    const files = buildEvidence(keys, [[[frame(1, '')]]], { close: { frames: blocks, bytes: 0 } });
    const head = {
      ...honestHead(SESSION, 0, [[frame(1, '')]], files.get('open.json')!),
      frames,
      content: content.length,
      sha256: sha256(content),
    };
    return files.set(segmentFile(0), sealSegment(content, head, keys.recorder));
  }

  test('tiny blocks, as many as the head says, are read', async () => {
    const report = await check(ofTinyBlocks(1000, 1000));
    expect(codes(report)).toEqual(['last-hash-mismatch close.json']);
    expect(report.facts).toMatchObject({ frames: 1000, bytes: 0 });
  });

  test('more blocks than a signed head counts are not decompressed', async () => {
    const report = await check(ofTinyBlocks(1000, 3));
    expect(finding(report, 'frames-mismatch')?.message).toBe(
      '00000000.seg holds more than 3 frames, but its head says 3',
    );
    expect(report.facts).toMatchObject({ frames: 0 });
  });

  test('a bomb under a head that the session key did not sign is not looked into', async () => {
    const files = ofTinyBlocks(1000, 1000);
    const segment = Uint8Array.from(files.get(segmentFile(0))!);
    segment[0]! ^= 1;
    segment[segment.length - 1]! ^= 1;
    expect([...codes(await check(files.set(segmentFile(0), segment)))].sort()).toEqual([
      'content-hash-mismatch 00000000.seg',
      'head-signature-invalid 00000000.seg',
      'last-hash-mismatch close.json',
    ]);
  });

  test('frames later than the moment up to which it says that it goes', async () => {
    const input = [[frame(1000, 'a'), frame(2000, 'b')]];
    const late = (until: number) => {
      const files = buildEvidence(keys, [input], { close: { recordedUntil: until } });
      const head = { ...honestHead(SESSION, 0, input, files.get('open.json')!), until };
      return check(files.set(segmentFile(0), sealSegment(encodeContent(input), head, keys.recorder)));
    };
    expect(codes(await late(1999))).toEqual(
      expect.arrayContaining(['until-mismatch 00000000.seg', 'until-mismatch close.json']),
    );
    expect(codes(await late(2000))).toEqual(['last-hash-mismatch close.json']);
  });

  test('a bomb, with every signature in order', async () => {
    const payload = new Uint8Array(1 << 20);
    const block = Array.from({ length: 5 }, () => ({ timeUs: 1, payload }));
    const report = await check(buildEvidence(keys, [[block]]));
    expect(report.verdict).toBe('failed');
    expect(report.findings).toEqual([
      {
        code: 'content-invalid',
        object: '00000000.seg',
        message:
          'the content of 00000000.seg breaks the format at frame 0: ' +
          'block 0 at byte 0 declares 5242960 decompressed bytes, more than 4194304',
      },
    ]);
  });
});
