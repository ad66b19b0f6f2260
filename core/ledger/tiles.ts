/** Tiles and entry bundles of C2SP tlog-tiles: their names, sizes and bytes. */
import { CustodyError } from '../errors.ts';
import { HASH_BYTES } from './merkle.ts';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Of 256 entries of the longest kind that a bundle has room for. */
export const BUNDLE_MAX_BYTES = TILE_WIDTH * (2 + 0xffff);

const LEVEL = String.raw`(?:\d|[1-5]\d|6[0-3]|entries)`;
const INDEX = String.raw`(?:x(?!000)\d{3}/(?:x\d{3}/)*)?\d{3}`;
const PARTIAL = String.raw`\.p/(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])`;
const TILE_PATH = new RegExp(`^tile/${LEVEL}/${INDEX}(?:${PARTIAL})?$`);

/** `<N>` of a tile's path: 1234067 → `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g)!;
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** `tile/<L>/<N>[.p/<W>]`, of hashes at a level or of entries. `width` 256 is a full tile. */
export function tilePath(level: number | 'entries', index: number, width: number): string {
  const suffix = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${indexPath(index)}${suffix}`;
}

/** True for what `tilePath` makes. */
export function isTilePath(path: string): boolean {
  return TILE_PATH.test(path);
}

/** The width that a tile's path tells. */
export function widthOf(path: string): number {
  const [, width] = /\.p\/(\d+)$/.exec(path) ?? [];
  return width === undefined ? TILE_WIDTH : Number(width);
}

/** `<N>` of a tile's path: `tile/entries/x001/234.p/7` → 1234. */
export function indexOf(path: string): number {
  const [, groups = ''] = /^tile\/[^/]+\/([x\d/]+)/.exec(path) ?? [];
  return Number(groups.replaceAll(/[x/]/g, ''));
}

/** How many hashes a tree of `size` leaves has in the row of tiles at `level`. */
export function rowLength(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The width of tile `index` at `level` in a tree of `size` leaves; 0 when there is none. */
export function tileWidth(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, rowLength(size, level) - index * TILE_WIDTH));
}

/** The hashes of a tile. Throws `format-invalid` when it does not have `width` of them. */
export function readTile(bytes: Uint8Array, width: number, name: string): Buffer[] {
  if (bytes.byteLength !== width * HASH_BYTES) {
    throw new CustodyError(
      'format-invalid',
      `${name} has ${bytes.byteLength} bytes, not ${width * HASH_BYTES}`,
    );
  }
  return Array.from({ length: width }, (_, i) =>
    Buffer.from(bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  );
}

/** Entries, each behind its length as a big-endian uint16. An entry has at most 65,535 bytes. */
export function bundleBytes(entries: readonly Uint8Array[]): Buffer {
  const parts = entries.map((entry) => {
    if (entry.byteLength > 0xffff) throw new CustodyError('internal', 'a ledger entry is too long');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.byteLength);
    return Buffer.concat([length, entry]);
  });
  return Buffer.concat(parts);
}

/** The entries of a bundle. Throws `format-invalid` when it does not hold exactly `width` of them. */
export function readBundle(bytes: Uint8Array, width: number, name: string): Buffer[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Buffer[] = [];
  let at = 0;
  while (at < buffer.byteLength && entries.length <= width) {
    const end = at + 2 + (at + 2 <= buffer.byteLength ? buffer.readUInt16BE(at) : Number.POSITIVE_INFINITY);
    if (end > buffer.byteLength) throw new CustodyError('format-invalid', `${name} is cut off at byte ${at}`);
    entries.push(buffer.subarray(at + 2, end));
    at = end;
  }
  if (entries.length === width && at === buffer.byteLength) return entries;
  throw new CustodyError('format-invalid', `${name} does not hold ${width} entries`);
}
