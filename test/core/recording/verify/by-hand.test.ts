import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  buildEvidence,
  honestHead,
  makeKeys,
  makeSigner,
  pem,
  putStatement,
  sealSegment,
  sha256,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';

/** Runs exactly the commands of README.md's section. */
const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
const page = /^## Verify without Custody$.*?(?=^## )/ms.exec(readme)![0];
const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!).join('');
const vectors = new URL('../../../vectors/recording/', import.meta.url).pathname;
const SESSION = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
const scratch = mkdtempSync(join(tmpdir(), 'custody-by-hand-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const TAIL_SESSION = '019aaf3e-6d1c-7a61-9f43-000000000005';
const SIGNER = JSON.parse(readFileSync(join(vectors, 'three-segments/open.json'), 'utf8')).signer;
let copies = 0;

function copyOf(vector: string): string {
  const folder = join(scratch, String(copies++));
  cpSync(join(vectors, vector), folder, { recursive: true });
  return folder;
}

function runByHand(folder: string, env: Record<string, string> = {}) {
  const result = spawnSync('bash', ['-c', commands], {
    cwd: folder,
    env: { PATH: process.env['PATH'], SIGNER, SESSION, ...env },
    encoding: 'utf8',
  });
  return { status: result.status, output: result.stdout + result.stderr };
}

/** Runs the commands on a copy of the good vector after `alter` had it. */
function runAltered(alter: (folder: string, edit: Edit) => void) {
  const folder = copyOf('three-segments');
  alter(folder, (name, change) =>
    writeFileSync(join(folder, name), change(readFileSync(join(folder, name)))),
  );
  return runByHand(folder);
}
type Edit = (name: string, change: (bytes: Buffer) => Uint8Array) => void;

/** `at`: from the end where it is negative. */
function flipIn(folder: string, name: string, at: number): void {
  const bytes = readFileSync(join(folder, name));
  writeFileSync(join(folder, name), flipped(bytes, at < 0 ? bytes.length + at : at));
}

function cut(folder: string, name: string, from: number): void {
  writeFileSync(join(folder, name), readFileSync(join(folder, name)).subarray(from));
}

function flipped(bytes: Buffer, offset: number): Buffer {
  bytes[offset]! ^= 1;
  return bytes;
}

test('the page has one block of commands, short enough for a screen', () => {
  expect(page.match(/^```sh$/gm)).toHaveLength(1);
  expect(commands.split('\n').length).toBeLessThan(40);
});

describe('good evidence passes', () => {
  test.each([
    ['three-segments', SESSION, '3 segments, 8 frames, client-closed, recovered: false'],
    [
      'empty',
      '019aaf3e-6d1c-7a61-9f43-000000000001',
      '0 segments, 0 frames, target-refused, recovered: false',
    ],
    ['recovered', '019aaf3e-6d1c-7a61-9f43-000000000002', '2 segments, 2 frames, recovered, recovered: true'],
    ['recovered-tail', TAIL_SESSION, '2 segments, 3 frames, recovered, recovered: true'],
  ])('%s', (vector, session, summary) => {
    const { status, output } = runByHand(copyOf(vector), { SESSION: session });
    expect(output).toContain(`VERIFIED: session ${session}, ${summary}\n`);
    expect(output).not.toContain('NOT VERIFIED');
    expect(status).toBe(0);
  });
});

test('so does that of a task, with its result and the ledger’s proof, and with no other file', () => {
  const folder = copyOf('three-segments');
  writeFileSync(join(folder, 'task.json'), '{}');
  writeFileSync(join(folder, 'ledger.json'), '{}');
  expect(runByHand(folder)).toMatchObject({ status: 0 });
  writeFileSync(join(folder, 'task.json.old'), '{}');
  expect(runByHand(folder).output).toContain('NOT VERIFIED: number of files');
});

describe('altered evidence does not', () => {
  test.each<[string, (folder: string, edit: Edit) => void]>([
    ['a byte of open.json', (_, edit) => edit('open.json', (bytes) => flipped(bytes, 40))],
    ['a byte of close.json.sig', (_, edit) => edit('close.json.sig', (bytes) => flipped(bytes, 30))],
    ['a byte of the content', (_, edit) => edit('00000001.seg', (bytes) => flipped(bytes, 30))],
    ['a byte of a head', (_, edit) => edit('00000001.seg', (bytes) => flipped(bytes, bytes.length - 400))],
    [
      'a byte of a head’s signature',
      (_, edit) => edit('00000001.seg', (bytes) => flipped(bytes, bytes.length - 1)),
    ],
    [
      'a byte of the trailer’s magic',
      (_, edit) => edit('00000002.seg', (bytes) => flipped(bytes, bytes.length - 512)),
    ],
    ['a segment removed at the end', (folder) => rmSync(join(folder, '00000002.seg'))],
    ['a segment removed in the middle', (folder) => rmSync(join(folder, '00000001.seg'))],
    ['close.json removed', (folder) => rmSync(join(folder, 'close.json'))],
    ['a segment copied', (folder) => cpSync(join(folder, '00000002.seg'), join(folder, '00000003.seg'))],
    ['an extra object', (folder) => writeFileSync(join(folder, '.notes'), '')],
    ['segments swapped', (folder) => swap(folder, '00000000.seg', '00000001.seg')],
    ['signatures swapped', (folder) => swap(folder, 'open.json.sig', 'close.json.sig')],
    [
      'a segment of another session',
      (folder) => cpSync(join(vectors, 'recovered/00000001.seg'), join(folder, '00000001.seg')),
    ],
    ['close.json signed by another key', (folder) => forgeClose(folder)],
  ])('%s', (_what, alter) => {
    const { status, output } = runAltered(alter);
    expect(status).not.toBe(0);
    expect(output).not.toMatch(/^VERIFIED/m);
  });

  test.each<[string, (folder: string) => void]>([
    ['a byte of the manifest', (folder) => flipIn(folder, '00000001.seg', 40)],
    ['a byte of its magic', (folder) => flipIn(folder, '00000001.seg', 0)],
    ['a byte of its length', (folder) => flipIn(folder, '00000001.seg', 4)],
    ['a byte of the content', (folder) => flipIn(folder, '00000001.seg', 8 + 19 + 3 * 65 + 9)],
    ['the head', (folder) => flipIn(folder, '00000001.seg', -400)],
    ['the manifest left out', (folder) => cut(folder, '00000001.seg', 8 + 19 + 3 * 65)],
  ])('%s of a recovered tail', (_what, alter) => {
    const folder = copyOf('recovered-tail');
    alter(folder);
    const { status, output } = runByHand(folder, { SESSION: TAIL_SESSION });
    expect(status).not.toBe(0);
    expect(output).not.toMatch(/^VERIFIED/m);
  });

  test('a manifest in a session that was not recovered', () => {
    const folder = mkdtempSync(join(scratch, 'misplaced-'));
    const keys = makeKeys();
    const files = buildEvidence(keys, threeSegments(), { manifestAt: 2 });
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const { status, output } = runByHand(folder, { SIGNER: sha256(spki(keys.signer)) });
    expect(output).toContain("NOT VERIFIED: 00000002.seg manifest: found '3 false', expected '3 true'");
    expect(status).not.toBe(0);
  });

  test('another signer than the trusted one', () => {
    const { status, output } = runByHand(copyOf('three-segments'), { SIGNER: '0'.repeat(64) });
    expect(output).toContain(`NOT VERIFIED: signer.pem: found '${SIGNER}', expected '000`);
    expect(status).toBe(1);
  });

  test('another session than the one asked for', () => {
    const { status, output } = runByHand(copyOf('recovered'));
    expect(output).toContain("NOT VERIFIED: open.json: found '019aaf3e-6d1c-7a61-9f43-000000000002 ");
    expect(status).toBe(1);
  });

  test('numbers that are shell code are not run, whoever signed them', () => {
    const folder = mkdtempSync(join(scratch, 'hostile-'));
    const keys = makeKeys();
    const files = buildEvidence(keys, []);
    const head = { ...honestHead(SESSION, 0, [], files.get('open.json')!), frames: 'n[$(touch pwned)]' };
    files.set('00000000.seg', sealSegment(Buffer.alloc(0), head, keys.recorder));
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const { status, output } = runByHand(folder, { SIGNER: sha256(spki(keys.signer)) });
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
    expect(output).toContain('Signature Verified Successfully');
    expect(status).not.toBe(0);
  });

  test('a session that was never sealed', () => {
    const { status } = runByHand(copyOf('unsealed'), { SESSION: '019aaf3e-6d1c-7a61-9f43-000000000003' });
    expect(status).not.toBe(0);
  });
});

function swap(folder: string, a: string, b: string): void {
  renameSync(join(folder, a), join(folder, 'swap'));
  renameSync(join(folder, b), join(folder, a));
  renameSync(join(folder, 'swap'), join(folder, b));
}

/** The last segment cut off, close.json made to fit and signed by a key that is then put beside it. */
function forgeClose(folder: string): void {
  const forger = makeSigner();
  const files = new Map<string, Uint8Array>();
  putStatement(files, 'close.json', readFileSync(join(folder, 'close.json')), forger);
  writeFileSync(join(folder, 'close.json.sig'), files.get('close.json.sig')!);
  writeFileSync(join(folder, 'signer.pem'), pem(forger));
}
