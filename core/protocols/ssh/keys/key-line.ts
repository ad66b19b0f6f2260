/** A public key or certificate as one line of text: `ssh-ed25519 AAAA… comment`, as in `id_ed25519.pub` and custody.yaml. */
import { CustodyError } from '#core/errors.ts';
import { SshReader } from '../wire.ts';
import { parsePublicKey, type SshPublicKey } from './public-key.ts';

export interface KeyLine {
  /** The name that stands first, which is also the first one in `blob`. */
  readonly name: string;
  readonly blob: Uint8Array;
  readonly comment: string;
}

const LINE_MAX = 24 << 10;
/** RFC 4648 section 4, whole: the length is looked at where it is decoded. */
const LINE = /^([\x21-\x7e]{1,64})[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/;

/** Reads a line of a name, base64 and maybe a comment. Throws `format-invalid`; the message completes "the key …". */
export function parseKeyLine(line: string): KeyLine {
  if (line.length > LINE_MAX) throw invalid(`is longer than ${LINE_MAX} characters`);
  const [, name, text, comment] = LINE.exec(line.trim()) ?? [];
  if (name === undefined || text === undefined)
    throw invalid('is not one line such as: ssh-ed25519 AAAA… name');
  const blob = fromBase64(text);
  if (nameIn(blob) !== name) throw invalid(`says ${name} and holds something else`);
  return { name, blob, comment: comment ?? '' };
}

/** As `parseKeyLine`, of a key that is no certificate. */
export function parsePublicKeyLine(line: string): SshPublicKey & { readonly comment: string } {
  const { blob, comment } = parseKeyLine(line);
  return { ...inWords(() => parsePublicKey(blob)), comment };
}

export function formatKeyLine(blob: Uint8Array, comment = ''): string {
  const name = nameIn(blob) ?? '';
  return [name, Buffer.from(blob).toString('base64'), comment].filter((part) => part !== '').join(' ');
}

/** Bytes of padded base64 in its one form. Throws `format-invalid`. */
export function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw invalid('is not base64');
  return Uint8Array.from(bytes);
}

/** Runs a parser of wire forms over what somebody typed or stored: what it does not like is `format-invalid` there. */
export function inWords<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof CustodyError) || cause.code !== 'protocol-violation') throw cause;
    throw new CustodyError('format-invalid', `is damaged: ${cause.message}`, { cause });
  }
}

function nameIn(blob: Uint8Array): string | undefined {
  try {
    return new SshReader(blob).name();
  } catch {
    return undefined;
  }
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}

/** The 64 hexadecimal digits that stand for a fingerprint in addresses of the API. */
export function fingerprintHex(fingerprint: string): string {
  return Buffer.from(fingerprint.slice('SHA256:'.length), 'base64').toString('hex');
}
