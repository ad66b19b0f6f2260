/** What is in a store and has no place there: each object is named, and nothing of it is read. */
import { workflowKey } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';
import { sha256Hex } from '../recording/statements.ts';
import { WORKFLOW_MAX_BYTES } from '../tasks/run-folder.ts';
import type { AuditFindings } from './audit-findings.ts';
import { CHECKPOINT, tileKey } from './layout.ts';
import { HASH_BYTES } from './merkle.ts';
import { NOTE_MAX_BYTES } from './note.ts';
import { STAGING_MAX_BYTES } from './staging.ts';
import {
  BUNDLE_MAX_BYTES,
  indexOf,
  isTilePath,
  readBundle,
  readTile,
  TILE_WIDTH,
  tileWidth,
  widthOf,
} from './tiles.ts';

type Store = Pick<RecordingSource, 'list' | 'get' | 'size'>;

const KNOWN: readonly string[] = ['sessions', 'ledger', 'workflows', 'indexes'];
const SESSION = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const WORKFLOW = /^[0-9a-f]{64}\.json$/;
/** What is under `ledger/`; the checkpoint in a copy alone. */
const LEDGER: readonly string[] = ['tile', 'staging', 'checkpoint'];
const STAGING = /^(?:0|[1-9]\d{0,15})-[0-9a-f]{64}$/;
/** A row of tiles above this would be that of a tree with more leaves than can be counted. */
const LEVEL_MAX = 6;
/** Groups of three digits that a number below 2^53 has. */
const GROUPS_MAX = 6;

/** True for the id of a session: a UUID version 7 in lower case. */
export function isSessionName(name: string): boolean {
  return SESSION.test(name);
}

/** Reports every name in the store, outside of the sessions' own folders, that FORMAT.md does not know. `size`: of the checkpoint's tree. */
export async function reportStrays(size: number, store: Store, findings: AuditFindings): Promise<void> {
  const walk = new StrayWalk(size, store, findings);
  const there = await walk.names('', (name) => KNOWN.includes(name));
  await walk.names('sessions/', isSessionName);
  // What is derived is held against its evidence by whoever reads it (core/replay/index/FORMAT.md).
  if (there.includes('indexes')) await walk.names('indexes/', isSessionName);
  if (there.includes('workflows')) await walk.workflows();
  await walk.staged();
  await walk.tiles();
}

class StrayWalk {
  readonly #size: number;
  readonly #store: Store;
  readonly #findings: AuditFindings;

  constructor(size: number, store: Store, findings: AuditFindings) {
    this.#size = size;
    this.#store = store;
    this.#findings = findings;
  }

  /** The names under `prefix` that belong there. */
  async names(prefix: string, belongs: (name: string) => boolean): Promise<string[]> {
    const names = await this.#findings.reading(prefix, () => this.#store.list(prefix));
    const [good, others] = [names?.filter(belongs) ?? [], names?.filter((name) => !belongs(name)) ?? []];
    for (const name of others)
      this.#findings.add('object-unlisted', undefined, `${prefix}${name} does not belong in a store`);
    return good;
  }

  /** What runs are judged by: each is named by its own hash. */
  async workflows(): Promise<void> {
    for (const name of await this.names('workflows/', (name) => WORKFLOW.test(name))) {
      const key = `workflows/${name}`;
      const bytes = await this.#findings.reading(key, () => this.#store.get(key, WORKFLOW_MAX_BYTES));
      if (bytes !== undefined && workflowKey(sha256Hex(bytes)) !== key)
        this.#findings.add('object-unreadable', undefined, `${key} has another SHA-256 than its name says`);
    }
  }

  /** Commits before their tiles were in place: nobody relies on them but a sequencer that finds the newest unfinished. */
  async staged(): Promise<void> {
    const kept = await this.names('ledger/', (name) => LEDGER.includes(name));
    if (kept.includes('checkpoint')) await this.#checkSize(CHECKPOINT, NOTE_MAX_BYTES);
    for (const name of await this.names('ledger/staging/', (name) => STAGING.test(name)))
      await this.#checkSize(`ledger/staging/${name}`, STAGING_MAX_BYTES);
  }

  async #checkSize(key: string, atMost: number): Promise<void> {
    const size = await this.#findings.reading(key, () => this.#store.size(key));
    if (size !== undefined && (size === 0 || size > atMost))
      this.#findings.add('object-unreadable', undefined, `${key} has ${size} bytes`);
  }

  async tiles(): Promise<void> {
    const levels = await this.names('ledger/tile/', (name) => name === 'entries' || /^[0-6]$/.test(name));
    for (const level of levels) await this.#tilesIn(`tile/${level}/`, GROUPS_MAX);
  }

  async #tilesIn(folder: string, groups: number): Promise<void> {
    const belongs = (name: string): boolean =>
      /^\d{3}(?:\.p)?$/.test(name) || (groups > 1 && /^x\d{3}$/.test(name));
    for (const name of await this.names(tileKey(folder), belongs)) {
      if (name.startsWith('x')) await this.#tilesIn(`${folder}${name}/`, groups - 1);
      else if (name.endsWith('.p')) await this.#partsIn(`${folder}${name}/`);
      else await this.#checkForm(folder + name);
    }
  }

  async #partsIn(folder: string): Promise<void> {
    const names = await this.names(tileKey(folder), (name) => isTilePath(folder + name));
    for (const name of names) await this.#checkForm(folder + name);
    if (names.length === 0)
      this.#findings.add('object-unlisted', undefined, `${tileKey(folder)} holds no tile`);
  }

  /** A tile of a tree that grew since the checkpoint: what is in it cannot be said yet, but that it is a tile. */
  async #checkForm(path: string): Promise<void> {
    const [level, width, key] = [path.split('/')[1]!, widthOf(path), tileKey(path)];
    if (!isTilePath(path))
      return this.#findings.add('object-unlisted', undefined, `${key} is no tile's name`);
    const row = level === 'entries' ? 0 : Number(level);
    if (row > LEVEL_MAX || tileWidth(this.#size, row, indexOf(path)) >= width) return;
    const bytes = await this.#findings.reading(key, () =>
      this.#store.get(key, level === 'entries' ? BUNDLE_MAX_BYTES : TILE_WIDTH * HASH_BYTES),
    );
    try {
      if (bytes !== undefined) (level === 'entries' ? readBundle : readTile)(bytes, width, key);
    } catch (error) {
      this.#findings.add('tile-altered', undefined, (error as Error).message);
    }
  }
}
