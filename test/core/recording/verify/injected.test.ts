import { describe, expect, test } from 'vitest';
import {
  encodeContent,
  frame,
  honestHead,
  makeKeys,
  SESSION,
  sealSegment,
  segmentFile,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, finding, good, keepHead, keys, withoutClose } from '#test/support/evidence-checks.ts';

const second = threeSegments()[1]!;
const third = threeSegments()[2]!;

describe('something injected', () => {
  test('a segment at the end', async () => {
    const files = good();
    files.set(segmentFile(3), files.get(segmentFile(2))!);
    expect((await check(files)).findings).toEqual([
      {
        code: 'segment-unlisted',
        object: '00000003.seg',
        message: '00000003.seg is beyond the 3 segments that close.json counts',
      },
    ]);
  });

  test('a segment in the middle, the rest renumbered', async () => {
    const files = good();
    files.set(segmentFile(3), files.get(segmentFile(2))!).set(segmentFile(2), files.get(segmentFile(1))!);
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toContain('segment-unlisted 00000003.seg');
    expect(codes(report)).toContain('head-number-mismatch 00000002.seg');
    expect(codes(report)).toContain('last-hash-mismatch close.json');
  });

  test('a segment in a live session, without the session key', async () => {
    const files = withoutClose(good());
    const head = honestHead(SESSION, 3, [[frame(9000, 'x')]], files.get(segmentFile(2))!);
    files.set(segmentFile(3), sealSegment(encodeContent([[frame(9000, 'x')]]), head, makeKeys().recorder));
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toEqual(['close-missing close.json', 'head-signature-invalid 00000003.seg']);
  });

  test('a frame, without the session key', async () => {
    const injected = [[...second[0]!, frame(6500, 'grant all')]];
    const report = await check(keepHead(good(), encodeContent(injected)));
    expect(codes(report)).toEqual([
      'content-length-mismatch 00000001.seg',
      'content-hash-mismatch 00000001.seg',
      'previous-hash-mismatch 00000002.seg',
    ]);
  });

  test('a frame, with the session key and not counted: it is read no further than the head counts', async () => {
    const files = good();
    const injected = [[...second[0]!, frame(6500, 'grant all')]];
    const { frames, bytes } = honestHead(SESSION, 1, second, files.get(segmentFile(0))!);
    const head = { ...honestHead(SESSION, 1, injected, files.get(segmentFile(0))!), frames, bytes };
    files.set(segmentFile(1), sealSegment(encodeContent(injected), head, keys.recorder));
    const report = await check(files);
    expect(finding(report, 'frames-mismatch')).toEqual({
      code: 'frames-mismatch',
      object: '00000001.seg',
      message: '00000001.seg holds more than 3 frames, but its head says 3',
    });
    expect(codes(report)).toContain('bytes-mismatch 00000001.seg');
  });

  test('a frame into the last segment, with the session key: close.json has other totals', async () => {
    const files = good();
    const injected = [[...third[0]!, frame(8500, 'grant all')]];
    const head = honestHead(SESSION, 2, injected, files.get(segmentFile(1))!);
    files.set(segmentFile(2), sealSegment(encodeContent(injected), head, keys.recorder));
    const report = await check(files);
    expect(codes(report)).toEqual([
      'last-hash-mismatch close.json',
      'totals-mismatch close.json',
      'totals-mismatch close.json',
    ]);
  });

  test('bytes between content and trailer', async () => {
    const content = Buffer.concat([encodeContent(second), Buffer.from('hidden')]);
    const report = await check(keepHead(good(), content));
    expect(codes(report)).toContain('content-length-mismatch 00000001.seg');
    expect(codes(report)).toContain('content-hash-mismatch 00000001.seg');
  });

  test('an object that is not listed', async () => {
    expect((await check(good().set('notes.txt', Buffer.from('x')))).findings).toEqual([
      {
        code: 'object-unlisted',
        object: 'notes.txt',
        message: 'notes.txt does not belong in an evidence folder',
      },
    ]);
  });

  test('an object whose name would move the terminal’s cursor (case 18)', async () => {
    const report = await check(good().set('\x1b[2J\u202e0.seg', Buffer.from('x')));
    expect(report.findings[0]?.message).toBe('\\u001b[2J\\u202e0.seg does not belong in an evidence folder');
    expect(report.findings[0]?.object).toBe('\\u001b[2J\\u202e0.seg');
  });

  test('thousands of objects: named up to a limit and counted', async () => {
    const files = good();
    for (let index = 0; index < 5000; index++) files.set(`junk-${index}`, Buffer.alloc(0));
    const report = await check(files);
    expect(report.findings).toHaveLength(101);
    expect(report.findings.at(-1)).toEqual({
      code: 'object-unlisted',
      object: 'junk-1088',
      message: '4900 more of this kind, the first of them about junk-1088',
    });
  });

  test('thousands of segments: so too, and other findings are not lost among them', async () => {
    const files = good();
    for (let index = 3; index < 5000; index++) files.set(segmentFile(index), Buffer.alloc(0));
    files.set('close.json.sig', Buffer.alloc(70));
    const report = await check(files);
    expect(report.findings).toHaveLength(102);
    expect(codes(report)).toContain('signature-invalid close.json');
    expect(report.findings.at(-1)?.message).toMatch(/^4897 more of this kind/);
  });
});
