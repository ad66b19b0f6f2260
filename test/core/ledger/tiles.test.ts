import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import {
  bundleBytes,
  isTilePath,
  readBundle,
  readTile,
  rowLength,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from '#core/ledger/tiles.ts';

const FORMAT_INVALID = expect.objectContaining({ code: 'format-invalid' });
const widths = fc.integer({ min: 1, max: TILE_WIDTH });
const levels = fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 }));

describe('a path', () => {
  test.each([
    [0, 1234067, 256, 'tile/0/x001/x234/067'],
    [0, 0, 256, 'tile/0/000'],
    [0, 273, 112, 'tile/0/273.p/112'],
    [1, 1, 17, 'tile/1/001.p/17'],
    [2, 0, 1, 'tile/2/000.p/1'],
    [63, 999, 255, 'tile/63/999.p/255'],
    ['entries', 1000, 256, 'tile/entries/x001/000'],
    ['entries', 999_999, 9, 'tile/entries/x999/999.p/9'],
    ['entries', 1_000_000, 256, 'tile/entries/x001/x000/000'],
    [0, Number.MAX_SAFE_INTEGER, 256, 'tile/0/x009/x007/x199/x254/x740/991'],
  ] as const)('of level %s, tile %i, width %i', (level, index, width, path) => {
    expect(tilePath(level, index, width)).toBe(path);
    expect(isTilePath(path)).toBe(true);
  });

  it('belongs to one tile only, and is recognised', () => {
    const tiles = fc.tuple(levels, fc.maxSafeNat(), widths);
    fc.assert(
      fc.property(tiles, tiles, (one, other) => {
        expect(isTilePath(tilePath(...one))).toBe(true);
        expect(tilePath(...one) === tilePath(...other)).toBe(String(one) === String(other));
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/1',
    'tile/0/0001',
    'tile/00/001',
    'tile/64/001',
    'tile/-1/001',
    'tile/leaves/001',
    'tile/0/001/002',
    'tile/0/x001',
    'tile/0/x000/001',
    'tile/0/x01/001',
    'tile/0/001.p/0',
    'tile/0/001.p/01',
    'tile/0/001.p/256',
    'tile/0/001.p/1000',
    'tile/0/001.p/',
    'tile/0/001/',
    '/tile/0/001',
    'tile/0/../001',
    'tile/../../sessions/001',
    'tile/0/001\n',
    'checkpoint',
    'staging/1-00',
  ])('%j is none', (path) => {
    expect(isTilePath(path)).toBe(false);
  });
});

describe('the tiles of a tree', () => {
  const rows = (size: number) =>
    [0, 1, 2, 3].map((level) => {
      const full = Math.floor(rowLength(size, level) / TILE_WIDTH);
      return [full, tileWidth(size, level, full)];
    });

  it('of 70,000 leaves are those of the specification', () => {
    expect(rows(70_000)).toEqual([
      [273, 112],
      [1, 17],
      [0, 1],
      [0, 0],
    ]);
  });

  it('of 256 leaves are one full one and one of width 1', () => {
    expect(rows(256)).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  it('of the empty tree are none', () => {
    expect(rows(0)).toEqual([0, 1, 2, 3].map(() => [0, 0]));
  });

  it('are as many and as wide as floor(s / 256^l) says', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 6 }), (size, level) => {
        const row = BigInt(size) / 256n ** BigInt(level);
        const last = Number(row / 256n);
        expect(rowLength(size, level)).toBe(Number(row));
        expect(tileWidth(size, level, last)).toBe(Number(row % 256n));
        expect(tileWidth(size, level, Math.max(0, last - 1))).toBe(last > 0 ? TILE_WIDTH : Number(row));
        expect(tileWidth(size, level, last + 1)).toBe(0);
      }),
    );
  });
});

describe('a tile', () => {
  it('is read as its hashes', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(fc.array(hash, { minLength: 1, maxLength: TILE_WIDTH }), (hashes) => {
        expect(readTile(Buffer.concat(hashes), hashes.length, 'tile')).toEqual(
          hashes.map((h) => Buffer.from(h)),
        );
      }),
    );
  });

  it('of any other size is refused, by name', () => {
    fc.assert(
      fc.property(widths, fc.nat(9000), (width, length) => {
        fc.pre(length !== width * 32);
        expect(() => readTile(new Uint8Array(length), width, 'tile/0/000')).toThrow(FORMAT_INVALID);
      }),
    );
    expect(() => readTile(new Uint8Array(31), 1, 'tile/0/000.p/1')).toThrow(
      'tile/0/000.p/1 has 31 bytes, not 32',
    );
  });
});

describe('a bundle', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 40 });

  it('is each entry behind its length', () => {
    expect(bundleBytes([Buffer.from('ab'), Buffer.alloc(0), Buffer.alloc(258, 'c')]).subarray(0, 8)).toEqual(
      Buffer.from([0, 2, 0x61, 0x62, 0, 0, 1, 2]),
    );
  });

  it('is read as its entries', () => {
    fc.assert(
      fc.property(entries, (some) => {
        expect(readBundle(bundleBytes(some), some.length, 'bundle')).toEqual(some.map((e) => Buffer.from(e)));
      }),
    );
  });

  it('may lie anywhere in a larger buffer', () => {
    const slab = Buffer.concat([
      Buffer.from('before'),
      bundleBytes([Buffer.from('ab')]),
      Buffer.from('behind'),
    ]);
    expect(readBundle(new Uint8Array(slab.buffer, slab.byteOffset + 6, 4), 1, 'bundle')).toEqual([
      Buffer.from('ab'),
    ]);
  });

  it('has room for entries of 65,535 bytes and no more', () => {
    const longest = Buffer.alloc(0xffff, 'x');
    expect(readBundle(bundleBytes([longest, longest]), 2, 'bundle')).toEqual([longest, longest]);
    expect(() => bundleBytes([Buffer.alloc(0x10000)])).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('with another number of entries is refused', () => {
    fc.assert(
      fc.property(entries, widths, (some, width) => {
        fc.pre(width !== some.length);
        expect(() => readBundle(bundleBytes(some), width, 'bundle')).toThrow(FORMAT_INVALID);
      }),
    );
  });

  it('that is cut off anywhere, or goes on, is refused', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 5 }), (some, at, more) => {
        const bytes = bundleBytes(some);
        const cut = bytes.subarray(0, at % bytes.length);
        expect(() => readBundle(cut, some.length, 'bundle')).toThrow(FORMAT_INVALID);
        expect(() => readBundle(Buffer.concat([bytes, more]), some.length, 'bundle')).toThrow(FORMAT_INVALID);
      }),
    );
  });

  it('of any bytes is refused or is exactly them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 4 }), (bytes, width) => {
        const read = readOrRefuse(bytes, width);
        expect(read?.length ?? width).toBe(width);
        expect(bundleBytes(read ?? [])).toEqual(Buffer.from(read === undefined ? [] : bytes));
      }),
    );
  });

  it('of nothing but empty entries is not read further than its width', () => {
    expect(() => readBundle(Buffer.alloc(1 << 20), 256, 'bundle')).toThrow(FORMAT_INVALID);
  });
});

/** Undefined for a refusal. */
function readOrRefuse(bytes: Uint8Array, width: number): Buffer[] | undefined {
  try {
    return readBundle(bytes, width, 'bundle');
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'format-invalid') return undefined;
    throw error;
  }
}
