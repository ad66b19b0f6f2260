/** Signed notes (c2sp.org/signed-note) with ECDSA P-256 signatures, type 0x02. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { Signer } from '../recording/ports.ts';

const DASH = '\u2014';
export const NOTE_MAX_BYTES = 64 << 10;
/** The specification asks verifiers for at least 16. */
const SIGNATURES_MAX = 32;
const KEY_ID_BYTES = 4;
/** U+0085 is a space to Unicode, but not to `\s`. */
const SIGNATURE_LINE = new RegExp(`^${DASH} ([^\\s\\u0085+]+) ([A-Za-z0-9+/]+={0,2})$`, 'u');

/** A key that notes are checked with. */
export interface NoteKey {
  readonly name: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

interface Signature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly bytes: Buffer;
}

/**
 * `text`, which ends in a line feed, signed under `name`: the whole note. Rejects with `format-invalid` when it would not
 * be one.
 */
export async function signNote(text: string, name: string, signer: Signer): Promise<string> {
  const signature = await signer.sign(Buffer.from(text));
  const line = Buffer.concat([keyId(await signer.publicKey()), signature]).toString('base64');
  const note = `${text}\n${DASH} ${name} ${line}\n`;
  if (splitNote(note).text !== text) throw invalid('the text does not end in a line feed');
  return note;
}

/**
 * The text of a note that one of `keys` signed. Throws `format-invalid` when it is not a note, when a signature by a
 * known key does not verify, or when there is none.
 */
export function openNote(note: string, keys: readonly NoteKey[]): string {
  const { text, signatures } = splitNote(note);
  const known = signatures.flatMap((signature) => {
    const key = keys.find(
      (key) => key.name === signature.name && keyId(key.publicKey).equals(signature.keyId),
    );
    return key === undefined ? [] : [{ key, signature }];
  });
  if (known.length === 0) throw invalid('the note carries no signature by the expected key');
  for (const { key, signature } of known) {
    if (!isSigned(text, key, signature)) throw invalid(`the signature of ${key.name} does not verify`);
  }
  return text;
}

/** The last empty line divides text and signatures. */
function splitNote(note: string): { text: string; signatures: Signature[] } {
  if (Buffer.byteLength(note) > NOTE_MAX_BYTES) throw invalid('the note is too long');
  if (!isPlainText(note)) throw invalid('the note is not plain text');
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n')) throw invalid('the note has no signatures');
  const lines = note.slice(blank + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw invalid('the note has too many signatures');
  return { text: note.slice(0, blank + 1), signatures: lines.map(readSignature) };
}

/** Unicode without ASCII control characters, apart from line feeds. */
function isPlainText(note: string): boolean {
  for (let i = 0; i < note.length; i += 1) {
    const unit = note.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return false;
  }
  return note.isWellFormed();
}

function readSignature(line: string): Signature {
  const [, name, base64] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  if (name === undefined || bytes.toString('base64') !== base64 || bytes.byteLength <= KEY_ID_BYTES) {
    throw invalid('a line behind the note is not a signature');
  }
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), bytes: bytes.subarray(KEY_ID_BYTES) };
}

function isSigned(text: string, { publicKey }: NoteKey, { bytes }: Signature): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify('sha256', Buffer.from(text), { key, dsaEncoding: 'der' }, bytes);
}

/** For ECDSA: the beginning of the SHA-256 of the SubjectPublicKeyInfo. */
function keyId(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, KEY_ID_BYTES);
}

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', what);
}
