import { describe, expect, test } from 'vitest';
import {
  buildEvidence,
  encodeContent,
  type Files,
  honestHead,
  makeKeys,
  openStatement,
  parseStatement,
  putStatement,
  SESSION,
  sealUnderManifest,
  segmentFile,
  sha256,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, finding, keys } from '#test/support/evidence-checks.ts';

const LAST = segmentFile(2);
const RECOVERED = { recovered: true, reason: 'recovered' };
const recovered = (manifestAt = 2, close: Record<string, unknown> | false = RECOVERED): Files =>
  buildEvidence(keys, threeSegments(), { manifestAt, close });

/** The last segment anew, with `close.json` to match; with a manifest that says `text`, or by another key. */
function withLast(make: (content: Buffer, head: Record<string, unknown>) => Buffer): Files {
  const files = recovered();
  const input = threeSegments()[2]!;
  const last = make(encodeContent(input), honestHead(SESSION, 2, input, files.get(segmentFile(1))!));
  files.set(LAST, last);
  const close = { ...parseStatement(files, 'close.json'), last: sha256(last) };
  putStatement(files, 'close.json', close, keys.signer);
  return files;
}

const paddedHead = (head: object): Buffer => Buffer.from(`${JSON.stringify(head).padEnd(439)}\n`);

describe('the last segment of a recovered session', () => {
  test('is good under a manifest that lists its head', async () => {
    expect(codes(await check(recovered()))).toEqual([]);
  });

  test('is good where the sealer died before it closed the session', async () => {
    expect(await check(recovered(2, false))).toMatchObject({ verdict: 'incomplete', facts: { frames: 8 } });
  });

  test.each<[what: string, text: (leaf: string) => string]>([
    ['lists others alone', () => `custody/manifest/1\n${'0'.repeat(64)}\n`],
    ['lists nothing', () => 'custody/manifest/1\n'],
    ['is of another type', (leaf) => `custody/manifest/2\n${leaf}\n`],
    ['has no last line feed', (leaf) => `custody/manifest/1\n${leaf}`],
    ['has something between its lines', (leaf) => `custody/manifest/1\n\n${leaf}\n`],
    ['says it in capitals', (leaf) => `custody/manifest/1\n${leaf.toUpperCase()}\n`],
    ['has more on the line', (leaf) => `custody/manifest/1\n0${leaf}\n`],
    ['ends in something else', (leaf) => `custody/manifest/1\n${leaf}\nand so on\n`],
  ])('is not where the manifest %s, whoever signed it', async (_what, text) => {
    const files = withLast((content, head) =>
      sealUnderManifest(content, head, keys.journal, text(sha256(paddedHead(head)))),
    );
    expect(codes(await check(files))).toEqual([`head-signature-invalid ${LAST}`]);
  });

  test.each([
    ['the session key', keys.recorder],
    ['another task’s key', makeKeys().journal],
  ])('nor where %s signed the manifest', async (_what, by) => {
    const files = withLast((content, head) => sealUnderManifest(content, head, by));
    expect(finding(await check(files), 'head-signature-invalid')?.message).toBe(
      `the head of ${LAST} is in no manifest that the journal key that open.json names has signed`,
    );
  });

  test('nor is one that the journal key signed without a manifest', async () => {
    const files = withLast((content, head) => {
      const sealed = sealUnderManifest(content, head, keys.journal, paddedHead(head).toString());
      return sealed.subarray(8 + 440);
    });
    expect(codes(await check(files))).toEqual([`head-signature-invalid ${LAST}`]);
  });

  test('nor one in a session that names no journal key', async () => {
    const { journal: _none, ...open } = openStatement(keys);
    const files = recovered();
    putStatement(files, 'open.json', open, keys.signer);
    expect(codes(await check(files))).toContain(`head-signature-invalid ${LAST}`);
  });

  test.each([
    ['more than there is', 0xffff_fff0],
    ['more than a manifest may have', (1 << 20) - 1],
  ])('nor where its length claims %s', async (_what, length) => {
    const files = withLast((content, head) => {
      const sealed = Buffer.concat([
        sealUnderManifest(content, head, keys.journal),
        Buffer.alloc(length === 0xffff_fff0 ? 0 : 2 << 20),
      ]);
      sealed.writeUInt32LE(length, 4);
      return sealed;
    });
    expect(codes(await check(files))).toEqual([`segment-malformed ${LAST}`]);
  });
});

describe('a manifest that is out of place', () => {
  const MISPLACED = 'only the last segment of a recovered session may be';

  test.each([0, 1])('in segment %i of a recovered session', async (at) => {
    const found = finding(await check(recovered(at)), 'manifest-misplaced');
    expect([found?.object, found?.message]).toEqual([segmentFile(at), expect.stringContaining(MISPLACED)]);
  });

  test('in the last segment of a session that its gateway closed', async () => {
    expect(codes(await check(recovered(2, {})))).toEqual([`manifest-misplaced ${LAST}`]);
  });
});

test('a journal key that is none', async () => {
  const files = recovered();
  const open = { ...parseStatement(files, 'open.json'), journal: Buffer.from('none').toString('base64') };
  putStatement(files, 'open.json', open, keys.signer);
  expect(finding(await check(files), 'recorder-invalid')?.message).toBe(
    'the journal key in open.json is not an Ed25519 public key',
  );
});
