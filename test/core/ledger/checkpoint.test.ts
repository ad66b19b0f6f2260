import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { openCheckpoint, signCheckpoint } from '#core/ledger/checkpoint.ts';
import { signNote } from '#core/ledger/note.ts';
import { memorySigner } from '#test/support/memory-ports.ts';

const FORMAT_INVALID = expect.objectContaining({ code: 'format-invalid' });
const ORIGIN = 'custody.example.com/ledger';
const ROOT = Buffer.alloc(32, 7);
const ROOT_TEXT = ROOT.toString('base64');
const signer = memorySigner();
const open = (note: string) => openCheckpoint(note, ORIGIN, signer.der);
const signed = (text: string, name = ORIGIN) => signNote(text, name, signer);

describe('a checkpoint', () => {
  it('says what was signed', async () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), hash, async (size, bytes) => {
        const checkpoint = { origin: ORIGIN, size, root: Buffer.from(bytes) };
        expect(open(await signCheckpoint(checkpoint, signer))).toEqual(checkpoint);
      }),
      { numRuns: 40 },
    );
  });

  it('is origin, size and root, in lines', async () => {
    const note = await signCheckpoint({ origin: ORIGIN, size: 20852163, root: ROOT }, signer);
    expect(note.split('\n\n')[0]).toBe(`${ORIGIN}\n20852163\n${ROOT_TEXT}`);
  });

  it('is read as the specification writes its example', async () => {
    const { ed25519 } = JSON.parse(
      readFileSync(new URL('../../vectors/ledger/notes.json', import.meta.url), 'utf8'),
    ) as { ed25519: { page: string; note: string }[] };
    const example = ed25519.find(({ page }) => page === 'tlog-checkpoint')!.note;
    const [text, theirs] = example.split('\n\n');
    const [origin] = text!.split('\n');
    const note = (await signed(`${text}\n`, origin)) + theirs;
    const root = Buffer.from('0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62', 'hex');
    expect(openCheckpoint(note, origin!, signer.der)).toEqual({ origin, size: 20852163, root });
  });

  it('of another ledger is refused, also when the same key signed it', async () => {
    const [other, name] = ['other.example.com/ledger', ORIGIN];
    await expect(async () => open(await signed(`${other}\n1\n${ROOT_TEXT}\n`, name))).rejects.toEqual(
      FORMAT_INVALID,
    );
    await expect(async () => open(await signed(`${other}\n1\n${ROOT_TEXT}\n`, other))).rejects.toEqual(
      FORMAT_INVALID,
    );
  });

  it('of another key is refused', async () => {
    const note = await signCheckpoint({ origin: ORIGIN, size: 1, root: ROOT }, memorySigner());
    expect(() => open(note)).toThrow(FORMAT_INVALID);
  });

  it('may have extension lines, which say nothing', async () => {
    const note = await signed(`${ORIGIN}\n1\n${ROOT_TEXT}\nmore\nand more\n`);
    expect(open(note)).toEqual({ origin: ORIGIN, size: 1, root: ROOT });
  });

  test.each([
    ['no size', `${ORIGIN}\n`],
    ['no root', `${ORIGIN}\n1\n`],
    ['an empty size', `${ORIGIN}\n\n${ROOT_TEXT}\n`],
    ['a leading zero', `${ORIGIN}\n01\n${ROOT_TEXT}\n`],
    ['two zeros', `${ORIGIN}\n00\n${ROOT_TEXT}\n`],
    ['a sign', `${ORIGIN}\n+1\n${ROOT_TEXT}\n`],
    ['a negative size', `${ORIGIN}\n-1\n${ROOT_TEXT}\n`],
    ['a fraction', `${ORIGIN}\n1.0\n${ROOT_TEXT}\n`],
    ['an exponent', `${ORIGIN}\n1e3\n${ROOT_TEXT}\n`],
    ['hexadecimal', `${ORIGIN}\n0x1\n${ROOT_TEXT}\n`],
    ['a space', `${ORIGIN}\n1 \n${ROOT_TEXT}\n`],
    ['other digits', `${ORIGIN}\n\u0661\n${ROOT_TEXT}\n`],
    ['a size of 2^53', `${ORIGIN}\n9007199254740992\n${ROOT_TEXT}\n`],
    ['a size of 17 digits', `${ORIGIN}\n10000000000000000\n${ROOT_TEXT}\n`],
    ['an empty root', `${ORIGIN}\n1\n\n`],
    ['31 bytes of root', `${ORIGIN}\n1\n${ROOT.subarray(1).toString('base64')}\n`],
    ['33 bytes of root', `${ORIGIN}\n1\n${Buffer.alloc(33).toString('base64')}\n`],
    ['a root without padding', `${ORIGIN}\n1\n${ROOT_TEXT.replace('=', '')}\n`],
    ['a root in hexadecimal', `${ORIGIN}\n1\n${ROOT.toString('hex')}\n`],
    ['a root with a spare bit', `${ORIGIN}\n1\n${Buffer.alloc(32).toString('base64').replace('A=', 'B=')}\n`],
    ['an empty line before', `\n${ORIGIN}\n1\n${ROOT_TEXT}\n`],
    ['an empty extension line', `${ORIGIN}\n1\n${ROOT_TEXT}\n\n`],
    ['an empty extension line before another', `${ORIGIN}\n1\n${ROOT_TEXT}\n\nmore\n`],
    ['the lines in another order', `${ORIGIN}\n${ROOT_TEXT}\n1\n`],
  ])('with %s is refused though it is signed', async (_, text) => {
    const note = await signed(text);
    expect(() => open(note)).toThrow(FORMAT_INVALID);
  });

  it('may be of the empty tree', async () => {
    expect(open(await signed(`${ORIGIN}\n0\n${ROOT_TEXT}\n`)).size).toBe(0);
  });

  test.each(['', 'a b', 'a+b', 'a\nb'])('is never made for a ledger named %j', async (origin) => {
    await expect(signCheckpoint({ origin, size: 1, root: ROOT }, signer)).rejects.toEqual(FORMAT_INVALID);
  });
});
