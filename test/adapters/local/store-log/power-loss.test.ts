import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { directoryStore, plainStore } from '#adapters/local/directory-store.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { areLeavesQueued } from '#adapters/local/ledger-file.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { loggedFolder, replayFolder } from '#adapters/local/store-log/folder.ts';
import { StoreLog } from '#adapters/local/store-log/log.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import type { NamedObject, RecordingSource } from '#core/recording/ports.ts';
import { type Damage, damageObject, damages, SyncedDatabases } from '#test/support/lost-power.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

const parent = mkdtempSync(join(tmpdir(), 'custody-power-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** A session that is opened, or opened and closed, or everything so far is settled. */
type Step = 'open' | 'close' | 'large' | 'settle';
const steps = fc.array(fc.constantFrom<Step>('open', 'open', 'close', 'close', 'large', 'settle'), {
  maxLength: 14,
});

class Machine {
  readonly dataDir = mkdtempSync(join(parent, 'data-'));
  readonly root = join(this.dataDir, 'store');
  readonly objects = new Map<string, Uint8Array>();
  readonly leaves: string[] = [];
  readonly ended = new Set<string>();
  readonly #unsynced = new Set<string>();
  readonly #synced: SyncedDatabases;
  readonly #log: StoreLog;
  readonly #folder: ReturnType<typeof loggedFolder>;
  #opened = 0;

  constructor() {
    mkdirSync(join(this.dataDir, 'synced'));
    this.#synced = new SyncedDatabases(this.dataDir, join(this.dataDir, 'synced'));
    const makeDurable = async (_root: string, keys: ReadonlySet<string>): Promise<void> => {
      for (const key of keys) this.#unsynced.delete(key);
      this.#synced.sync();
    };
    this.#log = new StoreLog({ root: this.root, task: 'task-1', makeDurable });
    this.#folder = loggedFolder(this.dataDir, this.#log);
    this.#synced.sync();
  }

  async take(step: Step): Promise<void> {
    const { id } = sessionRecord(Math.max(0, this.#opened - 1));
    if (step === 'settle') return this.#log.settle();
    if (step === 'open') return this.#open();
    if (this.#opened === 0 || this.ended.has(id)) return;
    if (step === 'large') return this.#put(`sessions/${id}/${this.objects.size}.seg`, 70_000);
    await this.#put(`sessions/${id}/close.json`, 900);
    await this.#leaf(`closed ${id}`);
    await this.#folder.index.closed(id, OUTCOME);
    this.ended.add(id);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** What the disk has not been told to keep is anything now; what nobody waited for may be in the log, or not. */
  losePower(left: readonly Damage[]): void {
    for (const [at, key] of [...this.#unsynced].entries()) {
      const damage = left[at % left.length]!;
      const folder = key.slice(0, key.lastIndexOf('/') + 1);
      const isSynced = [...this.objects.keys()].some(
        (one) => one.startsWith(folder) && !this.#unsynced.has(one),
      );
      damageObject(this.root, key, isSynced && damage === 'folder missing' ? 'missing' : damage);
    }
    this.#synced.restore();
  }

  async #open(): Promise<void> {
    const record = sessionRecord(this.#opened);
    this.#opened += 1;
    await this.#folder.index.opened(record);
    const key = `sessions/${record.id}/open.json`;
    await this.#putEntered(
      [
        [`${key}.sig`, Buffer.alloc(70, `${key}.sig `)],
        [key, Buffer.alloc(1_500, `${key} `)],
      ],
      `opened ${record.id}`,
    );
  }

  async #putEntered(objects: readonly NamedObject[], leaf: string): Promise<void> {
    for (const [key] of objects) this.#unsynced.add(key);
    await this.#folder.store.putEntered!(objects, Buffer.from(leaf));
    for (const [key, bytes] of objects) this.objects.set(key, bytes);
    this.leaves.push(leaf);
  }

  async #put(key: string, size: number): Promise<void> {
    const bytes = Buffer.alloc(size, `${key} `);
    // A large one is durable by itself, and so is its folder: see the directory store's own tests.
    if (size < 65_536) this.#unsynced.add(key);
    await this.#folder.store.put(key, bytes);
    this.objects.set(key, bytes);
  }

  async #leaf(text: string): Promise<void> {
    await this.#folder.leaves.add(Buffer.from(text));
    this.leaves.push(text);
  }
}

async function expectAll(source: RecordingSource, { objects }: Machine): Promise<void> {
  for (const [key, bytes] of objects) {
    expect(Buffer.from(await source.get(key)).equals(bytes), key).toBe(true);
    expect(await source.size(key)).toBe(bytes.byteLength);
    const [, session = '', name = ''] = key.split('/');
    expect(await source.list('sessions/')).toContain(session);
    expect((await source.sizes(`sessions/${session}/`)).get(name)).toBe(bytes.byteLength);
  }
}

describe('a data folder whose machine lost power', () => {
  it('has everything that was acknowledged: for readers at once, and in its place after a replay that may be cut off', async () => {
    await fc.assert(
      fc.asyncProperty(steps, damages, async (taken, left) => {
        const machine = new Machine();
        for (const step of taken) await machine.take(step);
        machine.losePower(left);
        await expectAll(directoryStore(machine.root), machine);
        const ids = machine.leaves.map((text) => leafHash(Buffer.from(text)).toString('hex'));
        expect(await areLeavesQueued(machine.dataDir, ids)).toBe(true);
        const lists = {
          index: openSessionIndex(join(machine.dataDir, 'index.sqlite')),
          leaves: localLeafQueue(machine.dataDir),
        };
        expect(await replayFolder(machine.dataDir, lists)).toEqual([]);
        expect(await replayFolder(machine.dataDir, lists)).toEqual([]);
        await expectAll(plainStore(machine.root), machine);
        const queued = (await lists.leaves.list(1_000)).map(({ leaf }) => Buffer.from(leaf).toString());
        expect(queued.toSorted()).toEqual(machine.leaves.toSorted());
        const opened = machine.leaves
          .filter((text) => text.startsWith('opened'))
          .map((text) => text.slice(7));
        const { sessions } = await lists.index.list({ limit: 1_000 });
        expect(sessions.map(({ id }) => id).toSorted()).toEqual(opened.toSorted());
        await machine.close();
        rmSync(machine.dataDir, { recursive: true });
      }),
      { numRuns: 25 },
    );
  });
});
