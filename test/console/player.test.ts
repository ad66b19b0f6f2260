/** The player's parts that have no face. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import {
  buildEvidence,
  makeKeys,
  makeSigner,
  pem,
  sha256,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { evidenceOf } from '../../console/player/evidence.ts';
import { findSteps } from '../../console/player/search.ts';
import { StepStore } from '../../console/player/step-store.ts';
import { tarOf } from '../../console/player/tar.ts';
import { optionsOf, readTrust, underTrust } from '../../console/player/trust.ts';
import { advanced } from '../../console/terminal/pace.ts';

const keys = makeKeys();
const evidence = evidenceOf(
  new Map(
    [...buildEvidence(keys, threeSegments())].map(([name, bytes]) => [name, new Blob([Buffer.from(bytes)])]),
  ),
);

async function verdictUnder(key: string, folder = evidence): Promise<string[]> {
  const trust = readTrust(key, '');
  const report = underTrust(await verifyEvidence(folder, await optionsOf(trust, folder)), trust);
  return [report.verdict, ...report.findings.map(({ code }) => code)];
}

test('evidence is trusted under the key that was given, in PEM or by its fingerprint, and under no other', async () => {
  const fingerprint = sha256(spki(keys.signer));
  const colons = fingerprint.toUpperCase().replaceAll(/..(?=.)/g, '$&:');
  for (const key of [
    fingerprint,
    ` ${colons}\n`,
    pem(keys.signer).toString(),
    pem(keys.signer).toString().trim(),
  ])
    expect(await verdictUnder(key)).toEqual(['verified']);
  expect(await verdictUnder('')).toEqual(['unanchored', 'signer-unanchored']);
  const other = makeSigner();
  for (const key of [sha256(spki(other)), pem(other).toString()])
    expect(await verdictUnder(key)).toEqual(['failed', 'signer-untrusted']);
  expect(() => readTrust('not a key', '')).toThrow('neither a public key');
});

test('no key of the folder is trusted because a fingerprint was given that it has not', async () => {
  const files = new Map([...evidence.files].filter(([name]) => name !== 'signer.pem'));
  const [verdict] = await verdictUnder(sha256(spki(keys.signer)), evidenceOf(files));
  expect(verdict).toBe('failed');
});

/** Queries of which each 1,000th fails and each 300th writes. */
function* manySteps(count: number): Generator<ReadStep> {
  const reader = READERS.get('postgres')!;
  for (let at = 0; at < count; at += 1) {
    const failed = at % 1000 === 999;
    yield reader.ofJson({
      kind: 'query',
      at: at * 100,
      took: 50,
      outcome: failed ? 'failed' : 'completed',
      statement: { text: `select ${at} as needle_${at}`, bytes: 20, cut: false },
      tag: at % 300 === 299 ? 'UPDATE 1' : 'SELECT 1',
    });
  }
}

test('twenty thousand steps are found by number, time, mark and text, a piece of them at a time', async () => {
  const { loadMarks, ERROR, WRITE } = await import('../../console/player/marks.ts');
  const store = new StepStore(READERS.get('postgres')!, await loadMarks('postgres'));
  for (const step of manySteps(20_000)) store.add(step);
  store.end();
  expect(store.count).toBe(20_000);
  expect((await store.step(15_555))?.json['statement']).toMatchObject({
    text: 'select 15554 as needle_15554',
  });
  expect((await store.steps(511, 514)).map(({ number }) => number)).toEqual([511, 512, 513, 514]);
  expect(await store.step(20_001)).toBeUndefined();
  expect(store.byTime(1_000_050)).toBe(10_001);
  expect([store.byTime(-1), store.byTime(1e12)]).toEqual([1, 20_000]);
  expect(store.find(ERROR, 1, 1)).toBe(1000);
  expect(store.find(ERROR, 1000, 1)).toBe(2000);
  expect(store.find(ERROR, 1000, -1)).toBeUndefined();
  expect(store.find(WRITE, 1, 1)).toBe(300);
  expect(await findSteps(store, 'NEEDLE_4242 ', () => true)).toEqual([]);
  expect(await findSteps(store, 'NEEDLE_19999', () => true)).toEqual([20_000]);
});

test('a pause is no longer than its limit, at any speed', () => {
  const next = (): number => 10_000_000;
  const tick = 50_000;
  expect(advanced(0, { speed: 1, idle: 0, next })).toBe(tick);
  expect(advanced(0, { speed: 1, idle: 2, next })).toBe(8_000_000 + tick);
  expect(advanced(0, { speed: 2, idle: 2, next })).toBe(6_000_000 + 2 * tick);
  expect(advanced(9_999_990, { speed: 1, idle: 2, next })).toBe(9_999_990 + tick);
  expect(advanced(5, { speed: 1, idle: 2, next: () => undefined })).toBe(5 + tick);
});

test('saved evidence is what tar unpacks, byte for byte, and no name leads out of its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-tar-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['../out', 'a\\b', '.', '..', '', 'a\0b', 'a'.repeat(100)])
    expect(() => tarOf('evidence', [...evidence.files, [name, new Blob(['x'])]])).toThrow(
      `${name} is not a name of an evidence file`,
    );
  const tar = tarOf('evidence', evidence.files);
  writeFileSync(join(folder, 'a.tar'), Buffer.from(await tar.arrayBuffer()));
  execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder });
  for (const [name, blob] of evidence.files)
    expect(
      readFileSync(join(folder, 'evidence', name)).equals(Buffer.from(await blob.arrayBuffer())),
      name,
    ).toBe(true);
});
