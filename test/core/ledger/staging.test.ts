import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { stagingKey, tileKey } from '#core/ledger/layout.ts';
import { readStaging, stagingBytes } from '#core/ledger/staging.ts';
import { tilePath } from '#core/ledger/tiles.ts';

const STATE_DAMAGED = expect.objectContaining({ code: 'state-damaged' });
const ID = 'a'.repeat(64);
const KEY = 'ledger/staging/1-00';
const read = (text: string) => readStaging(Buffer.from(text), KEY);
const staged = (change: Record<string, unknown>) =>
  JSON.stringify({
    type: 'custody/ledger-staging/1',
    leaves: [ID],
    tiles: { 'tile/0/000.p/1': 'AAAA' },
    ...change,
  });

describe('a staging object', () => {
  it('is read as it was written', () => {
    const path = fc
      .tuple(fc.constantFrom(0, 1, 'entries' as const), fc.nat(), fc.integer({ min: 1, max: 256 }))
      .map((tile) => tilePath(...tile));
    const tiles = fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 100 }))).map((all) => new Map(all));
    const ids = fc.array(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex')),
    );
    fc.assert(
      fc.property(tiles, ids, (some, leaves) => {
        const back = readStaging(stagingBytes({ tiles: some, leaves }), KEY);
        expect(back.leaves).toEqual(leaves);
        expect([...back.tiles]).toEqual([...some].map(([name, bytes]) => [name, Buffer.from(bytes)]));
      }),
    );
  });

  it('is what FORMAT.md shows', () => {
    const page = readFileSync(new URL('../../../core/ledger/FORMAT.md', import.meta.url), 'utf8');
    const line = page.split('\n').find((text) => text.startsWith('{"type":"custody/ledger-staging/1"'))!;
    const { leaves, tiles } = read(line.replace('<base64>', 'AAAA'));
    expect(Buffer.from(tiles.get('tile/0/000.p/1')!).toString('hex')).toBe(leaves[0]);
  });

  it('may be of no tiles and no leaves', () => {
    expect(read(staged({ leaves: [], tiles: {} }))).toEqual({ leaves: [], tiles: new Map() });
  });

  test.each([
    ['no JSON', 'x'],
    ['nothing', ''],
    ['null', 'null'],
    ['an array', '[]'],
    ['another type', staged({ type: 'custody/ledger-staging/2' })],
    ['no leaves', staged({ leaves: undefined })],
    ['a leaf that is no hash', staged({ leaves: ['../x'] })],
    ['a leaf in upper case', staged({ leaves: ['A'.repeat(64)] })],
    ['a leaf with a line feed', staged({ leaves: [`${ID}\n`] })],
    ['a number for a leaf', staged({ leaves: [1] })],
    ['no tiles', staged({ tiles: undefined })],
    ['a path out of the ledger', staged({ tiles: { 'tile/../../sessions/open.json': 'AAAA' } })],
    ['a path to the checkpoint', staged({ tiles: { checkpoint: 'AAAA' } })],
    ['a path to another staging', staged({ tiles: { 'staging/1-00': 'AAAA' } })],
    ['a path with an empty step', staged({ tiles: { 'tile//000': 'AAAA' } })],
    ['a path that no tile has', staged({ tiles: { 'tile/0/000.p/256': 'AAAA' } })],
    ['bytes that are not base64', staged({ tiles: { 'tile/0/000': '!' } })],
    ['base64url', staged({ tiles: { 'tile/0/000': '-_-_' } })],
    ['base64 without padding', staged({ tiles: { 'tile/0/000': 'AAA' } })],
    ['a number for bytes', staged({ tiles: { 'tile/0/000': 1 } })],
  ])('with %s is refused, by name', (_, text) => {
    expect(() => read(text)).toThrow(STATE_DAMAGED);
    expect(() => read(text)).toThrow(KEY);
  });

  it.each<[what: string, text: string]>([
    ['a member __proto__', staged({}).replace('tile/0/000.p/1', '__proto__')],
    ['a tile twice', staged({}).replace('"tile/0/000.p/1":', '"tile/0/000.p/1":"AAAA","tile/0/000.p/1":')],
    ['leaves twice', staged({}).replace('"leaves":', '"leaves":[],"leaves":')],
  ])('with %s is refused', (_, text) => {
    expect(() => read(text)).toThrow(STATE_DAMAGED);
  });

  it('of any bytes is refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          expect(() => readStaging(bytes, KEY)).toThrow(STATE_DAMAGED);
        },
      ),
    );
  });
});

describe('keys', () => {
  it('are those of FORMAT.md', () => {
    expect(tileKey(tilePath('entries', 1234067, 3))).toBe('ledger/tile/entries/x001/x234/067.p/3');
    expect(stagingKey(2, Buffer.alloc(32, 0xab))).toBe(`ledger/staging/2-${'ab'.repeat(32)}`);
  });
});
