import { setTimeout as sleep } from 'node:timers/promises';
import { tileKey } from '#core/ledger/layout.ts';
import { rowLength, TILE_WIDTH, tilePath, tileWidth } from '#core/ledger/tiles.ts';
import type { RecordingSource } from '#core/recording/ports.ts';

/** Full tiles that one commit of 4096 leaves can add to a row, and the one at its edge. */
const TILES_OF_A_COMMIT = 17;
const LOOK_MS = 50;
const LOOKS = 100;

/**
 * Waits, at most five seconds, until the tiles of the newest commit are there: a gateway that runs swaps the head first and
 * puts them in their places right afterwards (FORMAT.md, "Staging"). What is not there by then is for the audit to name.
 */
export async function settled(size: number, store: Pick<RecordingSource, 'size'>): Promise<void> {
  const paths = newest(size);
  for (let look = 0; look < LOOKS; look += 1) {
    const there = await Promise.all(paths.map((path) => isThere(path, store)));
    if (there.every((is) => is)) return;
    await sleep(LOOK_MS);
  }
}

/** The last tiles of each row of a tree, and the last bundles. */
function newest(size: number): string[] {
  const paths: string[] = [];
  for (let level = 0; rowLength(size, level) > 0; level += 1) {
    const last = Math.ceil(rowLength(size, level) / TILE_WIDTH) - 1;
    for (let index = Math.max(0, last - TILES_OF_A_COMMIT); index <= last; index += 1) {
      const width = tileWidth(size, level, index);
      paths.push(tilePath(level, index, width));
      if (level === 0) paths.push(tilePath('entries', index, width));
    }
  }
  return paths;
}

/** What is there and no plain file is there as well: it will not become one. */
async function isThere(path: string, store: Pick<RecordingSource, 'size'>): Promise<boolean> {
  return store.size(tileKey(path)).then(
    () => true,
    (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'not-found'),
  );
}
