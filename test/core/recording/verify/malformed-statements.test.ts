import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import {
  buildEvidence,
  memoryFolder,
  parseStatement,
  pem,
  putStatement,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, finding, good, keys } from '#test/support/evidence-checks.ts';

/** Class 21: crafted evidence, properly signed, must neither crash nor exhaust nor fool the reader. */

/** close.json as this text, with a good signature. */
function checkClose(text: string | Uint8Array) {
  const files = good();
  putStatement(files, 'close.json', Buffer.from(text), keys.signer);
  return check(files);
}

/** close.json with one member's JSON text replaced. */
function closeWith(member: string, json: string): string {
  const close = JSON.stringify(parseStatement(good(), 'close.json'));
  return close.replace(new RegExp(`"${member}":(?:"[^"]*"|[^,}]*)`), `"${member}":${json}`);
}

const deepArray = `${'['.repeat(200)}${']'.repeat(200)}`;

describe('a statement that is not one', () => {
  test.each([
    ['is empty', '', 'close.json is not JSON'],
    ['is cut off', closeWith('reason', '"drained"').slice(0, -9), 'close.json is not JSON'],
    ['has bytes after the object', `${closeWith('frames', '8')}{}`, 'close.json is not JSON'],
    ['begins with a byte order mark', `\ufeff${closeWith('frames', '8')}`, 'close.json is not JSON'],
    ['is an array', '[]', 'close.json is not a JSON object'],
    ['is null', 'null', 'close.json is not a JSON object'],
    ['is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'close.json is not UTF-8'],
    ['holds a surrogate as UTF-8', Buffer.from('7b22eda080223a317d', 'hex'), 'close.json is not UTF-8'],
    ['says NaN', closeWith('frames', 'NaN'), 'close.json is not JSON'],
    [
      'is deep',
      closeWith('detail', '1').replace('}', `,"x":${deepArray}}`),
      'close.json is nested more than 16 levels deep',
    ],
    ['is nothing but brackets', '['.repeat(4000), 'close.json is not JSON'],
    [
      'names a member twice',
      closeWith('reason', '"drained","reason":"expired"'),
      'close.json has the member "reason" twice in one object',
    ],
    [
      'names a member twice, once escaped',
      closeWith('reason', '"drained","\\u0072eason":"expired"'),
      'close.json has the member "reason" twice in one object',
    ],
    [
      'has a member __proto__',
      closeWith('reason', '"drained","__proto__":{"recovered":true}'),
      'close.json has a member named __proto__',
    ],
  ])('%s', async (_what, text, message) => {
    const report = await checkClose(text);
    expect(report.verdict).toBe('failed');
    expect(finding(report, 'statement-malformed')?.message).toBe(message);
  });

  test.each(['5000', '100000'])('is %s bytes long', async (length) => {
    const report = await checkClose(closeWith('reason', '"drained"').padEnd(Number(length)));
    expect(report.findings).toEqual([
      {
        code: 'object-too-large',
        object: 'close.json',
        message: 'close.json is longer than the 4096 bytes it may have',
      },
    ]);
  });

  test('has exactly 4096 bytes: allowed', async () => {
    const text = JSON.stringify(parseStatement(good(), 'close.json')).padEnd(4096);
    expect((await checkClose(text)).verdict).toBe('verified');
  });

  test('is of an unknown type, named without control characters (case 18)', async () => {
    const report = await checkClose(closeWith('type', '"custody/close/2\\u001b[2J"'));
    expect(finding(report, 'statement-type-unknown')?.message).toBe(
      'close.json is of type "custody/close/2\\u001b[2J", expected "custody/close/1"',
    );
  });

  test('has members nobody knows: ignored, also when a name occurs in several objects', async () => {
    const text = closeWith(
      'reason',
      '"client-closed","x":{"reason":1,"__proto":[{"reason":2}]},"y":"\\"reason\\":"',
    );
    expect((await checkClose(text)).verdict).toBe('verified');
  });
});

describe('a member that is not what it should be', () => {
  test.each([
    ['frames', '1e400'],
    ['frames', '-1'],
    ['frames', '8.5'],
    ['frames', '9007199254740993'],
    ['frames', '"8"'],
    ['segments', 'null'],
    ['recordedUntil', '-1e400'],
    ['recovered', '"false"'],
    ['session', '"../../etc/passwd"'],
    ['session', '"019AAF3E-6D1C-7A61-9F43-0B9A7C1D2E3F"'],
    ['endedAt', '"2026-02-30T09:00:00.000Z"'],
    ['endedAt', '"2026-11-23T09:00:00.000+01:00"'],
    ['reason', '"fine"'],
    ['open', '"ABCDEF"'],
    ['type', '7'],
  ])('%s: %s', async (member, json) => {
    const report = await checkClose(closeWith(member, json));
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toEqual(['statement-malformed close.json']);
    expect(report.findings[0]?.message).toContain(
      `close.json is not a custody/close/1 statement: ${member}: `,
    );
  });

  test('segments: more than any loop could count', async () => {
    const report = await checkClose(closeWith('segments', '9007199254740991'));
    expect(finding(report, 'segment-missing')?.message).toBe(
      '00000003.seg to 9007199254740990.seg are missing: the session has 9007199254740991 segments',
    );
  });
});

describe('keys of another kind (case 1)', () => {
  test.each([
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey],
  ])('a signer that is %s is refused, even if trusted', async (_kind, signer) => {
    const files = good().set('signer.pem', pem(signer));
    const report = await check(files, undefined, [spki(signer), spki(keys.signer)]);
    expect(report.verdict).toBe('failed');
    expect(report.findings[0]?.message).toBe('signer.pem is not exactly one P-256 public key in PEM');
  });

  test.each([
    ['a P-256 key', spki(keys.signer).toString('base64')],
    ['not a key', Buffer.from('hello').toString('base64')],
    ['a key with bytes after it', Buffer.concat([spki(keys.recorder), Buffer.alloc(1)]).toString('base64')],
  ])('a recorder that is %s is refused', async (_kind, recorder) => {
    const report = await check(buildEvidence(keys, threeSegments(), { open: { recorder } }));
    expect(codes(report)).toEqual(['recorder-invalid open.json']);
  });

  test('a private key in signer.pem is not a signer', async () => {
    const pkcs8 = keys.signer.export({ type: 'pkcs8', format: 'pem' });
    const report = await check(good().set('signer.pem', Buffer.from(pkcs8)));
    expect(codes(report)).toEqual(['signer-malformed signer.pem']);
  });
});

describe('objects that cannot be read', () => {
  test('a read that fails is a finding and not an exception', async () => {
    const folder = memoryFolder(good());
    const broken = {
      ...folder,
      get: (name: string) => (name === 'open.json' ? fail() : folder.get(name, 0)),
    };
    const fail = () => Promise.reject(new Error('EISDIR: \x1b[2J'));
    const report = await verifyEvidence(broken, { trustedSigners: [spki(keys.signer)] });
    expect(report.verdict).toBe('failed');
    expect(report.findings[0]).toEqual({
      code: 'object-unreadable',
      object: 'open.json',
      message: 'open.json cannot be read: internal error in the gateway',
    });
  });

  test('the folder is told how much may be read, and may refuse', async () => {
    const folder = memoryFolder(good());
    const asked: number[] = [];
    const get = (name: string, atMost: number) => {
      asked.push(atMost);
      return folder.get(name, atMost);
    };
    await verifyEvidence({ ...folder, get }, { trustedSigners: [] });
    expect(asked).toHaveLength(8);
    expect(Math.max(...asked)).toBe((128 << 20) + 67_099);
  });
});

test('whatever is in the files, the verdict is a verdict and not an exception', async () => {
  const names = [...good().keys()];
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
    fc.nat({ max: 2000 }).map((length) => Buffer.from(good().get('open.json')!).subarray(0, length)),
  );
  const property = fc.asyncProperty(fc.constantFrom(...names), junk, async (name, bytes) => {
    const files = good();
    fc.pre(!Buffer.from(files.get(name)!).equals(bytes));
    expect((await check(files.set(name, bytes))).verdict).toBe('failed');
  });
  await fc.assert(property, { numRuns: 300 });
});
