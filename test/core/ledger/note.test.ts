import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { openNote, signNote } from '#core/ledger/note.ts';
import { memorySigner } from '#test/support/memory-ports.ts';

interface NoteVectors {
  readonly ecdsa: readonly { log: string; publicKey: string; keyId: string; note: string }[];
  readonly broken: readonly { desc: string; note: string }[];
  readonly ed25519: readonly { page: string; note: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/ledger/notes.json', import.meta.url), 'utf8'),
) as NoteVectors;
const FORMAT_INVALID = expect.objectContaining({ code: 'format-invalid' });
const NAME = 'custody.example.com/ledger';
const signer = memorySigner();
const key = { name: NAME, publicKey: signer.der };
const TEXT = 'If you think cryptography is the answer,\n\nthen you do not know what your problem is.\n';
const note = await signNote(TEXT, NAME, signer);
const signatures = note.slice(TEXT.length + 1);
const base64 = signatures.trimEnd().split(' ')[2]!;

/** Notes are judged for the public half of a key; a new private half makes another. */
function otherKey(): { name: string; publicKey: Uint8Array } {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { name: NAME, publicKey: publicKey.export({ type: 'spki', format: 'der' }) };
}

const foreign = vectors.ed25519[0]!.note.split('\n').at(-2)!;
const opening =
  (text: string, keys = [key]) =>
  () =>
    openNote(text, keys);

describe('notes of other logs', () => {
  test.each(vectors.ecdsa)('$log is opened with its own key alone', ({ log, publicKey, note: theirs }) => {
    const theirKey = { name: log, publicKey: Buffer.from(publicKey, 'base64') };
    expect(openNote(theirs, [theirKey])).toBe(`${theirs.split('\n\n')[0]}\n`);
    expect(openNote(theirs, [key, theirKey])).toBe(`${theirs.split('\n\n')[0]}\n`);
    expect(opening(theirs)).toThrow(FORMAT_INVALID);
    expect(opening(theirs, [{ ...theirKey, name: 'bananas.sigstore.dev' }])).toThrow(FORMAT_INVALID);
    expect(opening(theirs.replace('\n', ' \n'), [theirKey])).toThrow(FORMAT_INVALID);
  });

  test.each(vectors.broken)('$desc', ({ note: theirs }) => {
    const keys = vectors.ecdsa.map(({ log, publicKey }) => ({
      name: log,
      publicKey: Buffer.from(publicKey, 'base64'),
    }));
    expect(opening(theirs, keys)).toThrow(FORMAT_INVALID);
  });

  test.each(vectors.ecdsa)('$log names its key by the hash of its SubjectPublicKeyInfo', (vector) => {
    const hash = createHash('sha256').update(Buffer.from(vector.publicKey, 'base64')).digest('hex');
    expect(hash.slice(0, 8)).toBe(vector.keyId);
  });

  test.each(vectors.ed25519)(
    'the example of $page is a note, and by no key of ours',
    async ({ note: theirs }) => {
      expect(() => openNote(theirs, [key])).toThrow('no signature by the expected key');
      const at = theirs.lastIndexOf('\n\n') + 1;
      const ours = await signNote(theirs.slice(0, at), NAME, signer);
      expect(openNote(ours + theirs.slice(at + 1), [key])).toBe(theirs.slice(0, at));
    },
  );
});

describe('a note', () => {
  it('is the text, an empty line, and one line with name, key id and signature', () => {
    expect(note.startsWith(`${TEXT}\n\u2014 ${NAME} `)).toBe(true);
    const id = createHash('sha256').update(signer.der).digest().subarray(0, 4);
    expect(Buffer.from(base64, 'base64').subarray(0, 4)).toEqual(id);
  });

  it('is opened to the text that was signed, whatever it says', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((s) => !/\p{Cc}/u.test(s));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
        const text = `${lines.join('\n')}\n`;
        expect(openNote(await signNote(text, NAME, signer), [key])).toBe(text);
      }),
      { numRuns: 40 },
    );
  });

  it('whose text looks like a signature is divided at the last empty line', async () => {
    const text = `${TEXT}\n${signatures}`;
    expect(openNote(await signNote(text, NAME, signer), [key])).toBe(text);
  });

  it('with any bit flipped is refused', () => {
    const bytes = Buffer.from(note);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(opening(flipped.toString())).toThrow(FORMAT_INVALID);
    }
  });

  it('with half a surrogate pair is refused, though it signs like U+FFFD', async () => {
    const replaced = await signNote('\ufffd\n', NAME, signer);
    expect(opening(replaced)()).toBe('\ufffd\n');
    expect(opening(replaced.replace('\ufffd', '\ud800'))).toThrow(FORMAT_INVALID);
  });

  it('cut off anywhere is refused', () => {
    for (let length = 0; length < note.length; length += 1)
      expect(opening(note.slice(0, length))).toThrow(FORMAT_INVALID);
  });

  test.each([
    ['nothing', ''],
    ['one line feed', '\n'],
    ['line feeds alone', '\n\n\n'],
    ['a text alone', TEXT],
    ['signatures alone', signatures],
    ['no empty line', TEXT + signatures],
    ['two empty lines', `${TEXT}\n\n${signatures}`],
    ['an empty line at the end', `${note}\n`],
    ['no line feed at the end', note.slice(0, -1)],
    ['a carriage return', note.replaceAll('\n', '\r\n')],
    ['a tab in the text', note.replace('If you', 'If\tyou')],
    ['a zero in the text', note.replace('If you', 'If\0you')],
    ['half a surrogate pair', note.replace('If', '\ud800')],
    ['a byte order mark', `\ufeff${note}`],
    ['a hyphen for the dash', note.replace('\u2014', '-')],
    ['two spaces', note.replace(`${NAME} `, `${NAME}  `)],
    ['a name with a space', note.replace(NAME, 'a b')],
    ['a name with a plus', note.replace(NAME, `${NAME}+1`)],
    ['a name with a no-break space', note.replace(NAME, 'a\u00a0b')],
    ['a name with a next line', `${note}\u2014 a\u0085b ${base64}\n`],
    ['no name', note.replace(`${NAME} `, ' ')],
    [
      'base64 without padding',
      note.replace(base64, base64.replace(/=*$/, '') + (base64.endsWith('=') ? '' : '=')),
    ],
    ['base64url', `${note}\u2014 other AAAA-_-_\n`],
    ['base64 with a spare bit', `${note}\u2014 other AAAAAAF=\n`],
    ['a key id and no signature', `${note}\u2014 other AAAAAA==\n`],
    ['three bytes', `${note}\u2014 other AAAA\n`],
    ['a fourth field', `${note}\u2014 other AAAAAAAA more\n`],
    ['text behind the signatures', `${note}more\n`],
  ])('with %s is refused', (_, text) => {
    expect(opening(text)).toThrow(FORMAT_INVALID);
  });

  it('may have signatures by others, but not more than 32, nor 65,537 bytes', async () => {
    expect(openNote(note + `${foreign}\n`.repeat(31), [key])).toBe(TEXT);
    expect(opening(note + `${foreign}\n`.repeat(32))).toThrow(FORMAT_INVALID);
    const room = 65_536 - Buffer.byteLength(note);
    const long = (spare: number) => signNote(`${'x'.repeat(room - spare)}${TEXT}`, NAME, signer);
    expect(openNote(await long(9), [key])).toMatch(/^x/);
    expect(opening(`${'x'.repeat(room + 1)}${note}`)).toThrow('the note is too long');
  });

  it('with a signature of a known name by another key needs the known key as well', () => {
    const stranger = otherKey();
    expect(opening(note, [stranger])).toThrow(FORMAT_INVALID);
    expect(openNote(note, [stranger, key])).toBe(TEXT);
    expect(opening(note, [])).toThrow(FORMAT_INVALID);
  });

  it('is refused when one signature by a known key is false, though another is true', () => {
    const wrong = Buffer.from(base64, 'base64');
    wrong[wrong.length - 1]! ^= 1;
    const bad = `\u2014 ${NAME} ${wrong.toString('base64')}\n`;
    expect(opening(note + bad)).toThrow(FORMAT_INVALID);
    expect(opening(`${TEXT}\n${bad}${signatures}`)).toThrow(FORMAT_INVALID);
  });

  it('is refused, and no crash, whatever bytes the signature has', () => {
    const id = Buffer.from(base64, 'base64').subarray(0, 4);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        expect(opening(`${TEXT}\n\u2014 ${NAME} ${Buffer.concat([id, bytes]).toString('base64')}\n`)).toThrow(
          FORMAT_INVALID,
        );
      }),
    );
  });

  test.each([
    ['a text without its last line feed', 'text', NAME],
    ['an empty text', '', NAME],
    ['a carriage return', 'a\r\n', NAME],
    ['a text that ends in a signature', `a\n\n${signatures.trimEnd()}`, NAME],
    ['an empty name', 'a\n', ''],
    ['a name with a plus', 'a\n', 'a+b'],
    ['a name with a space', 'a\n', 'a b'],
    ['a name with a line feed', 'a\n', 'a\nb'],
  ])('with %s is never made', async (_, text, name) => {
    await expect(signNote(text, name, signer)).rejects.toMatchObject({ code: 'format-invalid' });
  });
});
