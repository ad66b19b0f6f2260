import { asCustodyError, CustodyError } from '../errors.ts';
import type { RecordingSink, RecordingSource, Signer } from '../recording/ports.ts';
import { type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts';
import { stagingKey, tileKey } from './layout.ts';
import { emptyRoot, leafHash } from './merkle.ts';
import { placesIn } from './places.ts';
import type { LeafPlaces, LeafQueue, LedgerHead } from './ports.ts';
import { numberedEntries, readStaging, type Staging, stagingBytes } from './staging.ts';
import { type FetchTile, grow, TileTree } from './tree.ts';

/** Leaves in one commit at most: bounds memory and the time until the next checkpoint. */
const LEAVES_PER_COMMIT = 4096;

export interface SequencerPorts {
  readonly objects: RecordingSink & RecordingSource;
  readonly head: LedgerHead;
  readonly queue: LeafQueue;
  readonly signer: Signer;
  /** Absent: readers find a session's leaves by reading the ledger from its start. */
  readonly places?: Pick<LeafPlaces, 'note'>;
}

/** What one step did: `lost-race` means that another sequencer was faster, and that a next step may do more. */
export type Step =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'committed'; readonly size: number; readonly leaves: number }
  | { readonly kind: 'lost-race' };

/** A head whose commit is finished: its tiles are in their places, and its leaves have left the queue. */
interface FinishedHead {
  readonly version: string | undefined;
  readonly checkpoint: Checkpoint;
  /** Leaf hashes of its own commit, in hexadecimal: the queue may still list them. */
  readonly leaves: ReadonlySet<string>;
}

/**
 * Moves leaves from the queue into the ledger and signs a checkpoint over them. Any number may run at once, and each may
 * be killed at any moment: a commit's tiles are staged before the head is swapped, and only a finished commit is followed
 * by another, so that every leaf gets in exactly once and no two checkpoints contradict each other.
 */
export class Sequencer {
  readonly #ports: SequencerPorts;
  readonly #origin: string;
  readonly #fetch: FetchTile;
  /** A head that was found or made finished stays so: an idle ledger costs one look at its head. */
  #finished: FinishedHead | undefined;

  constructor(ports: SequencerPorts, origin: string) {
    this.#ports = ports;
    this.#origin = origin;
    this.#fetch = (path) => ports.objects.get(tileKey(path));
  }

  /** Finishes what another left half done, then commits what is queued. Rejects when a port does; repeating is safe. */
  async step(): Promise<Step> {
    const { queue } = this.#ports;
    const head = await this.#finishedHead();
    // After the head was read: what an earlier commit took has left the queue by then.
    const queued = await queue.list(LEAVES_PER_COMMIT + head.leaves.size);
    const fresh = queued.filter(({ id }) => !head.leaves.has(id)).slice(0, LEAVES_PER_COMMIT);
    if (fresh.length === 0) return { kind: 'nothing' };
    return this.#commit(head, fresh);
  }

  async #finishedHead(): Promise<FinishedHead> {
    const { head, signer } = this.#ports;
    const stored = await head.read();
    if (stored === undefined) {
      const checkpoint = { origin: this.#origin, size: 0, root: emptyRoot() };
      return { version: undefined, checkpoint, leaves: new Set() };
    }
    if (stored.version === this.#finished?.version) return this.#finished;
    const checkpoint = openCheckpoint(stored.checkpoint, this.#origin, await signer.publicKey());
    const leaves = await this.#finish(checkpoint);
    this.#finished = { version: stored.version, checkpoint, leaves: new Set(leaves) };
    return this.#finished;
  }

  async #commit(
    head: FinishedHead,
    queued: readonly { readonly id: string; readonly leaf: Uint8Array }[],
  ): Promise<Step> {
    const { signer } = this.#ports;
    const tree = new TileTree(head.checkpoint.size, this.#fetch);
    const { size, root, tiles } = await grow(
      tree,
      this.#fetch,
      queued.map(({ leaf }) => leaf),
    );
    const staging: Staging = { tiles, leaves: queued.map(({ id }) => id) };
    await this.#stage(stagingKey(size, root), staging);
    const checkpoint = { origin: this.#origin, size, root };
    const note = await signCheckpoint(checkpoint, signer);
    const version = await this.#swap(head.version, note);
    if (version === undefined) return { kind: 'lost-race' };
    const leaves = await this.#finish(checkpoint);
    this.#finished = { version, checkpoint, leaves: new Set(leaves) };
    return { kind: 'committed', size, leaves: queued.length };
  }

  /**
   * A commit of another sequencer that ends in the same tree serves as well, also one that began at a smaller tree. What
   * stands there is checked before a checkpoint is signed over it: all of our tiles, no others than the store has already,
   * and it takes no leaf off the queue that it does not hold.
   */
  async #stage(key: string, ours: Staging): Promise<void> {
    const { objects } = this.#ports;
    try {
      return await objects.put(key, stagingBytes(ours));
    } catch (error) {
      if (asCustodyError(error).code !== 'already-exists') throw error;
    }
    const theirs = readStaging(await objects.get(key), key);
    const missing = [...ours.tiles.keys()].some((path) => !theirs.tiles.has(path));
    const held = new Set(numberedEntries(theirs).map(({ entry }) => leafHash(entry).toString('hex')));
    if (missing || !theirs.leaves.every((id) => held.has(id))) throw damaged(key);
    for (const [path, bytes] of theirs.tiles) {
      const expected = ours.tiles.get(path) ?? (await this.#stored(path));
      if (expected === undefined || !Buffer.from(expected).equals(bytes)) throw damaged(key);
    }
  }

  /** Undefined where there is no such tile. A store that does not answer says nothing about what it holds. */
  async #stored(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#fetch(path);
    } catch (error) {
      if (asCustodyError(error).code !== 'not-found') throw error;
      return undefined;
    }
  }

  /** The new head's version; undefined when another was faster. */
  async #swap(expected: string | undefined, note: string): Promise<string | undefined> {
    try {
      return await this.#ports.head.swap(expected, note);
    } catch (error) {
      if (asCustodyError(error).code === 'conflict') return undefined;
      throw error;
    }
  }

  /** Puts the commit's tiles in their places, notes where its leaves are and takes them off the queue. Returns their ids. */
  async #finish({ size, root }: Checkpoint): Promise<readonly string[]> {
    const { objects, queue, places } = this.#ports;
    const key = stagingKey(size, root);
    const staging = readStaging(await objects.get(key), key);
    for (const [path, bytes] of staging.tiles) await putOnce(objects, tileKey(path), bytes);
    await places?.note(placesIn(staging));
    const { leaves } = staging;
    await queue.remove(leaves);
    return leaves;
  }
}

/** Puts an object that may be there already, with the same bytes. Throws `state-damaged` when it has others. */
async function putOnce(
  objects: RecordingSink & RecordingSource,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  try {
    await objects.put(key, bytes);
  } catch (error) {
    if (asCustodyError(error).code !== 'already-exists') throw error;
    if (Buffer.from(await objects.get(key)).equals(bytes)) return;
    throw damaged(key);
  }
}

function damaged(key: string): CustodyError {
  return new CustodyError('state-damaged', `the ledger's ${key} is not what it must be`, {
    hint: 'somebody wrote to the store; keep it as it is and look into it',
  });
}
