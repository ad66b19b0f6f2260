import { createPublicKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readFrames } from '#core/recording/read.ts';
import { type EvidenceFolder, verifyEvidence } from '#core/recording/verify/verify.ts';

/** Evidence that no code of ours wrote: test/vectors/recording/make.py, from FORMAT.md alone. */
const root = new URL('../../../vectors/recording/', import.meta.url);
const expected: Record<string, Record<string, unknown>> = JSON.parse(
  await readFile(new URL('expected.json', root), 'utf8'),
);
const trusted = createPublicKey(await readFile(new URL('trusted-signer.pem', root)));
const trustedSigners = [trusted.export({ type: 'spki', format: 'der' })];

function vector(name: string): EvidenceFolder {
  const folder = new URL(`${name}/`, root);
  return { list: () => readdir(folder), get: (object) => readFile(new URL(object, folder)) };
}

test('there are vectors', () => {
  expect(Object.keys(expected)).toEqual([
    'three-segments',
    'empty',
    'recovered',
    'recovered-tail',
    'unsealed',
    'acted',
  ]);
});

describe.each(Object.entries(expected))('%s', (name, { verdict, ...facts }) => {
  test('verifies as it should', async () => {
    const report = await verifyEvidence(vector(name), { trustedSigners });
    expect(report.findings.map(({ message }) => message)).toEqual(
      verdict === 'incomplete' ? ['close.json is missing: the session is live or was never sealed'] : [],
    );
    expect(report.verdict).toBe(verdict);
    expect(report.facts).toMatchObject(facts);
  });

  test('is not proof to who trusts another signer, or none', async () => {
    const untrusted = await verifyEvidence(vector(name), { trustedSigners: [new Uint8Array(91)] });
    expect(untrusted.verdict).toBe('failed');
    const unanchored = await verifyEvidence(vector(name), { trustedSigners: [] });
    expect(unanchored.verdict).toBe(verdict === 'verified' ? 'unanchored' : 'incomplete');
  });
});

test('the frames of the first vector read as they were written', async () => {
  const frames = [...readFrames(await vector('three-segments').get('00000000.seg', 4096))];
  expect(frames.map(({ stream, withheld, timeUs }) => [stream, withheld, timeUs])).toEqual([
    ['client', true, 1000],
    ['gateway', false, 2000],
    ['client', false, 3000],
  ]);
  expect(frames[0]?.payload).toEqual(new Uint8Array(20));
  expect(Buffer.from(frames[2]!.payload).toString('latin1')).toBe('Q\0\0\0\rselect 1\0');
});
