import { describe, expect, test } from 'vitest';
import {
  encodeContent,
  honestHead,
  parseStatement,
  SESSION,
  type SegmentInput,
  sealSegment,
  segmentFile,
  sha256,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, good, keys, withoutClose } from '#test/support/evidence-checks.ts';

const third = threeSegments()[2]!;

describe('a truncated tail', () => {
  test('last segment removed', async () => {
    const files = good();
    files.delete(segmentFile(2));
    expect((await check(files)).findings).toEqual([
      {
        code: 'segment-missing',
        object: '00000002.seg',
        message: '00000002.seg is missing: the session has 3 segments',
      },
    ]);
  });

  test('last segment removed and close.json edited to fit', async () => {
    const files = good();
    files.delete(segmentFile(2));
    const last = sha256(files.get(segmentFile(1))!);
    const edited = { ...parseStatement(files, 'close.json'), segments: 2, frames: 6, bytes: 55, last };
    files.set('close.json', Buffer.from(JSON.stringify(edited)));
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toContain('signature-invalid close.json');
    expect(codes(report)).not.toContain('last-hash-mismatch close.json');
  });

  test('last segment and close statement removed: incomplete, never verified', async () => {
    const files = withoutClose(good());
    files.delete(segmentFile(2));
    const report = await check(files);
    expect(report.verdict).toBe('incomplete');
    expect(report.findings).toEqual([
      {
        code: 'close-missing',
        object: 'close.json',
        message: 'close.json is missing: the session is live or was never sealed',
      },
    ]);
    expect(report.facts?.completeness).toBe(
      'No close statement: the segments here are complete up to 2026-11-23T09:00:00.007Z (0.007000 s after the start).',
    );
  });

  test('last segment replaced by an earlier version of it from the journal, properly signed', async () => {
    const files = good();
    const earlier: SegmentInput = [[third[0]![0]!]];
    const head = honestHead(SESSION, 2, earlier, files.get(segmentFile(1))!);
    const was = sha256(files.get(segmentFile(2))!);
    const journaled = sealSegment(encodeContent(earlier), head, keys.recorder);
    const report = await check(files.set(segmentFile(2), journaled));
    expect(report.findings).toEqual([
      {
        code: 'last-hash-mismatch',
        object: 'close.json',
        message: `close.json ends with a file with SHA-256 ${was}, but 00000002.seg has ${sha256(journaled)}`,
      },
      {
        code: 'totals-mismatch',
        object: 'close.json',
        message: 'close.json counts 8 frames, but the segments hold 7',
      },
      {
        code: 'totals-mismatch',
        object: 'close.json',
        message: 'close.json counts 75 bytes, but the segments hold 72',
      },
    ]);
  });
});

describe('something removed', () => {
  test('a segment in the middle', async () => {
    const files = good();
    files.delete(segmentFile(1));
    expect((await check(files)).findings).toEqual([
      {
        code: 'segment-missing',
        object: '00000001.seg',
        message: '00000001.seg is missing: the session has 3 segments',
      },
    ]);
  });

  test('all segments', async () => {
    const files = good();
    for (const number of [0, 1, 2]) files.delete(segmentFile(number));
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(report.findings[0]?.message).toBe(
      '00000000.seg to 00000002.seg are missing: the session has 3 segments',
    );
  });

  test('the whole session: an empty folder', async () => {
    const report = await check(new Map(), SESSION);
    expect(report.verdict).toBe('failed');
    expect(report).not.toHaveProperty('facts');
    expect(codes(report)).toEqual([
      'signer-missing signer.pem',
      'open-missing open.json',
      'close-missing close.json',
    ]);
  });

  test.each([
    ['signer.pem', 'signer-missing'],
    ['open.json', 'open-missing'],
    ['open.json.sig', 'signature-missing'],
    ['close.json.sig', 'signature-missing'],
  ])('%s', async (name, code) => {
    const files = good();
    files.delete(name);
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toEqual([`${code} ${name}`]);
  });

  test('close.json but not its signature', async () => {
    const files = good();
    files.delete('close.json');
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toEqual(['close-missing close.json', 'object-unlisted close.json.sig']);
  });
});
