/** Headers of a tar archive as it passes: ustar (POSIX.1-1988), with the long names of pax (POSIX.1-2001) and GNU tar. */
import { createHash } from 'node:crypto';

export interface TarEntry {
  readonly path: Uint8Array;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  /** Of a file, where all of it passed. */
  readonly sha256?: string;
}

const BLOCK = 512;
const NAME_MAX = 64 << 10;
const [NAME, SIZE, SUM, TYPE, MAGIC, PREFIX] = [0, 124, 148, 156, 257, 345];
const SPACE = 0x20;

interface Open {
  readonly path: Uint8Array;
  readonly type: TarEntry['type'];
  readonly size: number;
  readonly hash: ReturnType<typeof createHash> | undefined;
  /** What names the next entry. */
  readonly names: 'pax' | 'gnu' | undefined;
  left: number;
  padding: number;
}

/** Holds a header and one long name at most. What is no archive is passed over. */
export class TarReader {
  readonly #header = new Uint8Array(BLOCK);
  #filled = 0;
  #open: Open | undefined;
  #longName: Uint8Array = new Uint8Array(0);
  #named: { readonly path?: Uint8Array; readonly size?: number } = {};
  #lost = false;

  *push(bytes: Uint8Array): Generator<TarEntry> {
    for (let at = 0; at < bytes.length && !this.#lost; ) {
      if (this.#open === undefined) {
        const part = bytes.subarray(at, at + BLOCK - this.#filled);
        this.#header.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#filled === BLOCK) this.#begin();
      } else at += this.#content(this.#open, bytes.subarray(at));
      const done = this.#done();
      if (done !== undefined) yield done;
    }
  }

  /** The entry whose content did not come to its end. */
  *unfinished(): Generator<TarEntry> {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined && open.names === undefined && open.left > 0) yield entryOf(open, undefined);
  }

  #begin(): void {
    this.#filled = 0;
    const header = this.#header;
    if (header.every((byte) => byte === 0)) return;
    this.#lost = !isHeader(header);
    if (this.#lost) return;
    const letter = String.fromCharCode(header[TYPE]!);
    const names = letter === 'x' ? 'pax' : letter === 'L' ? 'gnu' : undefined;
    const type = typeOf(letter);
    const said = numberIn(header.subarray(SIZE, SIZE + 12));
    const size = names === undefined ? (this.#named.size ?? said) : said;
    // Links and folders have none, whatever their size says.
    const bytes = type === 'folder' || type === 'link' ? 0 : size;
    const path = this.#named.path ?? pathIn(header);
    const hash = type === 'file' && names === undefined ? createHash('sha256') : undefined;
    this.#open = {
      path,
      type,
      size: bytes,
      hash,
      names,
      left: bytes,
      padding: (BLOCK - (bytes % BLOCK)) % BLOCK,
    };
    if (names === undefined) this.#named = {};
    this.#longName = new Uint8Array(0);
  }

  /** How much of `bytes` is of it. */
  #content(open: Open, bytes: Uint8Array): number {
    const part = bytes.subarray(0, open.left);
    open.left -= part.length;
    open.hash?.update(part);
    if (open.names !== undefined && this.#longName.length + part.length <= NAME_MAX)
      this.#longName = Buffer.concat([this.#longName, part]);
    const padding = Math.min(open.left === 0 ? open.padding : 0, bytes.length - part.length);
    open.padding -= padding;
    return part.length + padding;
  }

  #done(): TarEntry | undefined {
    const open = this.#open;
    if (open === undefined || open.left > 0 || open.padding > 0) return undefined;
    this.#open = undefined;
    if (open.names === undefined) return entryOf(open, open.hash?.digest('hex'));
    this.#named =
      open.names === 'gnu' ? { ...this.#named, path: beforeZero(this.#longName) } : paxNames(this.#longName);
    return undefined;
  }
}

function entryOf({ path, type, size }: Open, sha256: string | undefined): TarEntry {
  return { path, type, size, ...(sha256 !== undefined && { sha256 }) };
}

function isHeader(header: Uint8Array): boolean {
  const magic = Buffer.from(header.subarray(MAGIC, MAGIC + 5)).toString('latin1');
  const sum = header.reduce((all, byte, at) => all + (at >= SUM && at < SUM + 8 ? SPACE : byte), 0);
  return magic === 'ustar' && numberIn(header.subarray(SUM, SUM + 8)) === sum;
}

/** Octal digits; GNU's binary form, where the first bit is set, for sizes from 8 GiB on. */
function numberIn(field: Uint8Array): number {
  if (field[0]! < 0x80)
    return Number.parseInt(Buffer.from(field).toString('latin1').replaceAll(/[\0 ]/g, ''), 8) || 0;
  return field.subarray(-6).reduce((all, byte) => all * 256 + byte, 0);
}

function pathIn(header: Uint8Array): Uint8Array {
  const name = beforeZero(header.subarray(NAME, NAME + 100));
  const isPosix = header[MAGIC + 5] === 0;
  const prefix = isPosix ? beforeZero(header.subarray(PREFIX, PREFIX + 155)) : new Uint8Array(0);
  return prefix.length === 0 ? name.slice() : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function beforeZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function typeOf(letter: string): TarEntry['type'] {
  if (letter === '0' || letter === '\0' || letter === '7') return 'file';
  if (letter === '5') return 'folder';
  return letter === '1' || letter === '2' ? 'link' : 'other';
}

/** Records `LENGTH KEY=VALUE\n`; the last of each key counts. */
function paxNames(bytes: Uint8Array): { readonly path?: Uint8Array; readonly size?: number } {
  const found: { path?: Uint8Array; size?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(SPACE, at);
    const length = space < 0 ? 0 : Number(Buffer.from(bytes.subarray(at, space)).toString('latin1'));
    if (!Number.isInteger(length) || length <= space - at || at + length > bytes.length) return found;
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    const key = Buffer.from(record.subarray(0, Math.max(equals, 0))).toString('latin1');
    if (key === 'path') found.path = record.slice(equals + 1);
    if (key === 'size') found.size = Number(Buffer.from(record.subarray(equals + 1)).toString('latin1')) || 0;
    at += length;
  }
  return found;
}
