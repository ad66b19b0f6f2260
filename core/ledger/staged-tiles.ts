/** Tiles of the newest commit that are not in their places: an auditor finds them in the commit's staging object. */
import { asCustodyError } from '../errors.ts';
import type { RecordingSource } from '../recording/ports.ts';
import type { Checkpoint } from './checkpoint.ts';
import { stagingKey, tileKey } from './layout.ts';
import { readStaging, STAGING_MAX_BYTES, type Staging } from './staging.ts';
import type { FetchTile } from './tree.ts';

/** True while a commit's leaves, all of them, are still in the queue: it leaves them there until its tiles are in their places. */
export type IsUnfinished = (leaves: readonly string[]) => Promise<boolean>;

/** What a staging object says is as good as a tile in its place: whoever reads it compares with a signed root. */
export class StagedTiles {
  readonly key: string;
  readonly #store: Pick<RecordingSource, 'get'>;
  readonly #isUnfinished: IsUnfinished;
  #staging: Promise<Staging | undefined> | undefined;

  /** `isUnfinished` is absent where nobody can ask the queue, as in a copy. */
  constructor(
    { size, root }: Checkpoint,
    store: Pick<RecordingSource, 'get'>,
    isUnfinished: IsUnfinished = async () => false,
  ) {
    this.key = stagingKey(size, root);
    this.#store = store;
    this.#isUnfinished = isUnfinished;
  }

  /** What was staged for a tile's place; undefined where nothing was, or it cannot be read. */
  async get(path: string): Promise<Uint8Array | undefined> {
    return (await this.#read())?.tiles.get(path);
  }

  /** Whether tiles are missing because the commit's sequencer has not come to put them in their places. */
  async isUnfinished(): Promise<boolean> {
    const staging = await this.#read();
    return staging !== undefined && staging.leaves.length > 0 && this.#isUnfinished(staging.leaves);
  }

  #read(): Promise<Staging | undefined> {
    this.#staging ??= this.#load();
    return this.#staging;
  }

  async #load(): Promise<Staging | undefined> {
    try {
      return readStaging(await this.#store.get(this.key, STAGING_MAX_BYTES), this.key);
    } catch (error) {
      if (asCustodyError(error).code === 'store-unavailable') throw error;
      return undefined;
    }
  }
}

/** A tile from its place, or else from the staging object. */
export function fetchStaged(store: Pick<RecordingSource, 'get'>, staged: StagedTiles): FetchTile {
  return async (path) => {
    try {
      return await store.get(tileKey(path));
    } catch (error) {
      const bytes = asCustodyError(error).code === 'not-found' ? await staged.get(path) : undefined;
      if (bytes === undefined) throw error;
      return bytes;
    }
  };
}
