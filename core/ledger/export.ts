import { asCustodyError } from '../errors.ts';
import type { RecordingSink } from '../recording/ports.ts';
import type { Checkpoint } from './checkpoint.ts';
import { CHECKPOINT, tileKey } from './layout.ts';
import { visitEntries } from './reader.ts';
import { rowLength, TILE_WIDTH, tilePath, tileWidth } from './tiles.ts';
import type { FetchTile } from './tree.ts';

/**
 * Copies the ledger under a checkpoint: the note, and every tile and bundle that a tree of its size has, in C2SP's places.
 * Rejects with `ledger-altered` when the entries do not hash to the checkpoint. Copying again over a copy is no error.
 */
export async function exportLedger(
  note: string,
  checkpoint: Checkpoint,
  fetch: FetchTile,
  sink: RecordingSink,
): Promise<void> {
  await visitEntries(checkpoint, fetch, () => undefined);
  for (const path of pathsOf(checkpoint.size)) await putUnlessThere(sink, tileKey(path), await fetch(path));
  await putUnlessThere(sink, CHECKPOINT, Buffer.from(note));
}

/** Every tile and bundle of a tree of `size` leaves. */
export function* pathsOf(size: number): Generator<string> {
  for (let level = 0; rowLength(size, level) > 0; level += 1) {
    for (let index = 0; index * TILE_WIDTH < rowLength(size, level); index += 1) {
      const width = tileWidth(size, level, index);
      yield tilePath(level, index, width);
      if (level === 0) yield tilePath('entries', index, width);
    }
  }
}

async function putUnlessThere(sink: RecordingSink, key: string, bytes: Uint8Array): Promise<void> {
  await sink.put(key, bytes).catch((error: unknown) => {
    if (asCustodyError(error).code !== 'already-exists') throw error;
  });
}
