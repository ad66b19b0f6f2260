import { describe, expect, test } from 'vitest';
import {
  buildEvidence,
  encodeContent,
  frame,
  makeKeys,
  OTHER_SESSION,
  parseStatement,
  putStatement,
  SESSION,
  type SegmentInput,
  segmentFile,
  sha256,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import {
  check,
  codes,
  finding,
  good,
  keepHead,
  keys,
  resealSegment1,
  swap,
} from '#test/support/evidence-checks.ts';

const first = threeSegments()[0]!;
const second = threeSegments()[1]!;
const third = threeSegments()[2]!;
const reordered: SegmentInput = [[second[0]![1]!, second[0]![0]!, second[0]![2]!]];

describe('reordered frames', () => {
  test('re-compressed without the session key: the head does not fit the content', async () => {
    const report = await check(keepHead(good(), encodeContent(reordered)));
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toContain('content-hash-mismatch 00000001.seg');
    expect(codes(report)).toContain('previous-hash-mismatch 00000002.seg');
    // What it would decode to is nobody's word.
    expect(finding(report, 'content-invalid')).toBeUndefined();
  });

  test('re-signed with their own times: time goes back', async () => {
    const report = await check(resealSegment1(good(), reordered, keys));
    expect(finding(report, 'content-invalid')?.message).toBe(
      'the content of 00000001.seg breaks the format at frame 1: the frame at byte 33 of block 0 has time 4000, ' +
        'which is before 5000 of the frame before it',
    );
  });

  test('with the same times and under a head by another key: the head is not the recorder’s', async () => {
    const relabelled = [[frame(4000, 'drop table orders'), frame(5000, 'two rows', 1), second[0]![2]!]];
    const report = await check(resealSegment1(good(), relabelled, makeKeys()));
    expect(finding(report, 'head-signature-invalid')).toEqual({
      code: 'head-signature-invalid',
      object: '00000001.seg',
      message: 'the head of 00000001.seg is not signed by the recorder key that open.json names',
    });
    expect(codes(report)).not.toContain('content-invalid 00000001.seg');
  });

  test('re-signed with the session key: the chain breaks at the next segment', async () => {
    const files = good();
    const was = sha256(files.get(segmentFile(1))!);
    const relabelled = [[frame(4000, 'drop table orders'), frame(5000, 'two rows', 1), second[0]![2]!]];
    const report = await check(resealSegment1(files, relabelled, keys));
    const now = sha256(files.get(segmentFile(1))!);
    expect(report.findings).toEqual([
      {
        code: 'previous-hash-mismatch',
        object: '00000002.seg',
        message: `00000002.seg follows a file with SHA-256 ${was}, but 00000001.seg has ${now}`,
      },
    ]);
  });

  test('over all keys: time must not go backwards, also from segment to segment', async () => {
    const within = await check(buildEvidence(keys, [first, reordered, third]));
    expect(codes(within)).toEqual(['content-invalid 00000001.seg']);
    const across = await check(buildEvidence(keys, [first, third, second]));
    expect(finding(across, 'content-invalid')).toEqual({
      code: 'content-invalid',
      object: '00000002.seg',
      message:
        'the content of 00000002.seg breaks the format at frame 0: the frame at byte 0 of block 0 has time 4000, ' +
        'which is before 8000 of the frame before it',
    });
  });
});

describe('reordered or swapped segments', () => {
  test('of one session: the numbers in the heads and the chain do not fit', async () => {
    const report = await check(swap(good(), segmentFile(0), segmentFile(1)));
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toContain('head-number-mismatch 00000000.seg');
    expect(codes(report)).toContain('previous-hash-mismatch 00000000.seg');
    expect(finding(report, 'head-number-mismatch')?.message).toBe(
      'the head of 00000000.seg says it is segment 1, expected 0',
    );
  });

  test('the last segment moved: close.json ends with another file', async () => {
    const report = await check(swap(good(), segmentFile(1), segmentFile(2)));
    expect(codes(report)).toContain('last-hash-mismatch close.json');
  });

  test('from another session of the same gateway: neither its key nor its name fits', async () => {
    const files = good();
    const other = buildEvidence({ ...makeKeys(), signer: keys.signer }, threeSegments(), {
      session: OTHER_SESSION,
    });
    const report = await check(files.set(segmentFile(1), other.get(segmentFile(1))!));
    expect(codes(report)).toContain('head-signature-invalid 00000001.seg');
    expect(finding(report, 'session-mismatch')).toEqual({
      code: 'session-mismatch',
      object: '00000001.seg',
      message: `the head of 00000001.seg names session ${OTHER_SESSION}, expected ${SESSION}`,
    });
  });

  test('from another session, even if it had the same session key', async () => {
    const files = good();
    const other = buildEvidence(keys, threeSegments(), { session: OTHER_SESSION });
    const report = await check(files.set(segmentFile(1), other.get(segmentFile(1))!));
    expect(codes(report)).not.toContain('head-signature-invalid 00000001.seg');
    expect(codes(report)).toContain('session-mismatch 00000001.seg');
    expect(codes(report)).toContain('previous-hash-mismatch 00000001.seg');
  });
});

describe('a renamed session', () => {
  test('is not the session asked for (case 14)', async () => {
    const report = await check(good(), OTHER_SESSION);
    expect(report.verdict).toBe('failed');
    expect(report.findings[0]).toEqual({
      code: 'session-mismatch',
      object: 'open.json',
      message: `open.json names session ${SESSION}, expected ${OTHER_SESSION}`,
    });
    expect(codes(report)).toContain('session-mismatch close.json');
    expect(codes(report)).toContain('session-mismatch 00000002.seg');
  });

  test('with the statements edited to match is no longer signed', async () => {
    const files = good();
    for (const name of ['open.json', 'close.json']) {
      const text = Buffer.from(files.get(name)!).toString().replace(SESSION, OTHER_SESSION);
      files.set(name, Buffer.from(text));
    }
    const report = await check(files, OTHER_SESSION);
    const found = [
      'signature-invalid open.json',
      'signature-invalid close.json',
      'session-mismatch 00000000.seg',
    ];
    expect(codes(report)).toEqual(expect.arrayContaining(found));
  });

  test('half renamed: the two statements disagree', async () => {
    const files = good();
    putStatement(
      files,
      'close.json',
      { ...parseStatement(files, 'close.json'), session: OTHER_SESSION },
      keys.signer,
    );
    expect((await check(files)).findings).toEqual([
      {
        code: 'session-mismatch',
        object: 'close.json',
        message: `close.json names session ${OTHER_SESSION}, expected ${SESSION}`,
      },
    ]);
  });
});
