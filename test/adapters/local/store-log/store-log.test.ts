import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { directoryStore, plainStore } from '#adapters/local/directory-store.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { type LoggedFolder, loggedFolder, replayFolder } from '#adapters/local/store-log/folder.ts';
import { StoreLog } from '#adapters/local/store-log/log.ts';
import { localFolder } from '#cli/evidence/local-folder.ts';
import { OwnPuts } from '#core/recording/own-puts.ts';
import { leafQueueContract } from '#test/contract/leaf-queue.ts';
import { recordingStoreContract } from '#test/contract/recording-store.ts';
import { sessionIndexContract } from '#test/contract/session-index.ts';
import { startChild } from '#test/support/child.ts';
import { diskError, FaultyDisk } from '#test/support/faulty-disk.ts';
import { watchFileCalls } from '#test/support/file-calls.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

const parent = mkdtempSync(join(tmpdir(), 'custody-store-log-'));
afterAll(() => rmSync(parent, { recursive: true }));

const stands: Stand[] = [];

class Stand {
  readonly dataDir = mkdtempSync(join(parent, 'data-'));
  readonly root = join(this.dataDir, 'store');
  readonly disk = new FaultyDisk();
  /** What making places durable comes to, the next time. */
  syncFails = 0;
  readonly log = new StoreLog({
    root: this.root,
    task: 'task-1',
    disk: this.disk,
    unsettledMax: 2_000,
    makeDurable: async () => {
      if (this.syncFails > 0) throw diskError(`EIO ${this.syncFails--}`);
    },
  });
  readonly folder: LoggedFolder = loggedFolder(this.dataDir, this.log);

  constructor() {
    stands.push(this);
  }

  logs(): string[] {
    const folder = join(this.root, '.log');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  put(name: string, text = name): Promise<void> {
    return this.folder.store.put(`sessions/a/${name}`, Buffer.from(text));
  }

  /** What `put` puts, and a leaf behind it. */
  putEntered(names: readonly string[], leaf: string): Promise<void> {
    const objects = names.map((name) => [`sessions/a/${name}`, Buffer.from(name)] as const);
    return this.folder.store.putEntered!(objects, Buffer.from(leaf));
  }

  /** Leaves in the ledger's queue. */
  async queued(): Promise<readonly string[]> {
    const leaves = await localLeafQueue(this.dataDir).list(100);
    return leaves.map(({ leaf }) => Buffer.from(leaf).toString());
  }

  text(name: string): string {
    return readFileSync(join(this.root, 'sessions/a', name), 'utf8');
  }

  /** By the next to start on the folder. */
  async replay(): Promise<readonly string[]> {
    const lists = {
      index: openSessionIndex(join(this.dataDir, 'index.sqlite')),
      leaves: localLeafQueue(this.dataDir),
    };
    return (await replayFolder(this.dataDir, lists)).map(({ error }) => error.message);
  }
}

let unwatch = (): void => undefined;
afterEach(async () => {
  unwatch();
  for (const { log } of stands.splice(0)) await log.close().catch(() => undefined);
});

recordingStoreContract('directory with a log', async () => new Stand().folder.store);
leafQueueContract('SQLite with a log', () => {
  const { dataDir, log } = new Stand();
  return () => loggedFolder(dataDir, log).leaves;
});
sessionIndexContract('SQLite with a log', () => {
  const { folder } = new Stand();
  return folder.index as ReturnType<typeof openSessionIndex>;
});

describe('a store with a log', () => {
  it('makes what is put together durable by one write, in the order in which it was put', async () => {
    const stand = new Stand();
    const writes = countWrites(stand);
    const puts = new OwnPuts(stand.folder.store, 'a', undefined);
    await Promise.all([
      stand.put('x'),
      stand.put('y'),
      puts.put('b', Buffer.of(1)),
      puts.put('a', Buffer.of(2)),
    ]);
    expect(writes()).toBe(1);
    const [log = ''] = stand.logs();
    const text = readFileSync(join(stand.root, '.log', log), 'latin1');
    expect(text.indexOf('sessions/a/b')).toBeGreaterThan(0);
    expect(text.indexOf('sessions/a/a')).toBeGreaterThan(text.indexOf('sessions/a/b'));
  });

  it('enters a leaf by the same write that stores what it is of, and never without that', async () => {
    const stand = new Stand();
    const writes = countWrites(stand);
    await stand.putEntered(['open.json.sig', 'open.json'], 'opened');
    expect(writes()).toBe(1);
    expect(await stand.queued()).toEqual(['opened']);
    expect([stand.text('open.json'), stand.text('open.json.sig')]).toEqual(['open.json', 'open.json.sig']);
    await expect(stand.putEntered(['x', 'open.json'], 'twice')).rejects.toMatchObject({
      code: 'already-exists',
    });
    const close = stand.putEntered(['close.json', 'close.json.sig'], 'closed');
    await plainStore(stand.root).put('sessions/a/close.json.sig', Buffer.from('theirs'));
    await expect(close).rejects.toMatchObject({ code: 'already-exists' });
    expect(await stand.queued()).toEqual(['opened']);
    for (const name of readdirSync(stand.dataDir))
      if (name.startsWith('ledger.sqlite')) rmSync(join(stand.dataDir, name));
    expect(await stand.replay()).toEqual([]);
    expect(await stand.queued()).toEqual(['opened']);
  });

  it('enters what could not be put in its place with its leaf at the next try, or once it is settled', async () => {
    const stand = new Stand();
    const puts = new OwnPuts(stand.folder.store, 'a', undefined);
    const objects = [
      ['close.json', Buffer.from('c')] as const,
      ['close.json.sig', Buffer.from('s')] as const,
    ];
    let full = 2;
    unwatch = watchFileCalls((call) => {
      if (call === 'writeSync' && full-- > 0) throw diskError('ENOSPC');
    });
    await expect(puts.putEntered(objects, Buffer.from('closed'))).rejects.toThrow('ENOSPC');
    expect(await stand.queued()).toEqual([]);
    expect(await puts.putEntered(objects, Buffer.from('closed'))).toBe(false);
    for (const [name, bytes] of objects) await puts.put(name, bytes);
    await stand.folder.leaves.add(Buffer.from('closed'));
    await stand.log.settle();
    expect(await stand.queued()).toEqual(['closed']);
    expect(stand.text('close.json.sig')).toBe('s');
  });

  it('forgets its log once all is durable in its place, and not before', async () => {
    const stand = new Stand();
    await stand.put('x');
    stand.syncFails = 1;
    await expect(stand.log.settle()).rejects.toThrow('EIO 1');
    expect(stand.logs()).toHaveLength(1);
    await stand.put('y');
    await stand.log.settle();
    expect(stand.logs()).toEqual([]);
    expect([stand.text('x'), stand.text('y')]).toEqual(['x', 'y']);
  });

  it('lists a session no later than its opening is durable, whatever failed before', async () => {
    const stand = new Stand();
    await stand.folder.index.opened(sessionRecord(1));
    stand.disk.writes.push({ most: 30, fails: 'ENOSPC' });
    await expect(stand.put('open.json')).rejects.toMatchObject({ code: 'ENOSPC' });
    await stand.put('open.json');
    for (const name of readdirSync(stand.dataDir))
      if (name.startsWith('index.sqlite')) rmSync(join(stand.dataDir, name));
    expect(await stand.replay()).toEqual([]);
    const index = openSessionIndex(join(stand.dataDir, 'index.sqlite'));
    expect((await index.unsealed()).map(({ id }) => id)).toEqual([sessionRecord(1).id]);
  });

  it('takes puts again once a full disk has room: none of the failed ones is there in part', async () => {
    const stand = new Stand();
    stand.disk.writes.push({ most: 100, fails: 'ENOSPC' });
    stand.disk.creations.push('ENOSPC');
    const puts = [stand.put('x'), stand.put('long', 'long'.repeat(100))];
    for (const result of await Promise.allSettled(puts)) expect(result.status).toBe('rejected');
    await expect(stand.put('x')).rejects.toMatchObject({ code: 'ENOSPC' });
    await stand.put('x');
    await stand.put('long', 'other');
    expect(await stand.replay()).toEqual([]);
    expect([stand.text('x'), stand.text('long')]).toEqual(['x', 'other']);
  });

  it('takes no more than a log may hold that cannot be settled, and all of it again once it can', async () => {
    const stand = new Stand();
    await stand.put('x', 'x'.repeat(2_000));
    stand.syncFails = 1;
    await stand.log.settle().catch(() => undefined);
    await expect(stand.put('y')).rejects.toMatchObject({ code: 'store-unavailable' });
    await stand.log.settle();
    await stand.put('y');
    expect(stand.text('y')).toBe('y');
  });

  it('keeps the log for an object that could not be put in its place, until it is there', async () => {
    const stand = new Stand();
    const puts = new OwnPuts(stand.folder.store, 'a', undefined);
    let full = 2;
    unwatch = watchFileCalls((call) => {
      if (call === 'writeSync' && full-- > 0) throw diskError('ENOSPC');
    });
    const close = ['close.json', Buffer.from('close')] as const;
    const both = [puts.put(...close), puts.put('close.json.sig', Buffer.from('sig'))];
    expect(await Promise.allSettled(both)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    full = 1;
    await stand.log.settle();
    expect(stand.logs()).toHaveLength(1);
    unwatch();
    await stand.log.settle();
    expect(stand.logs()).toEqual([]);
    await puts.put(...close);
    expect(stand.text('close.json')).toBe('close');
  });

  it('gives a name to whoever takes it first, and its record no effect, when that is another process', async () => {
    const stand = new Stand();
    const put = stand.put('x', 'ours');
    await plainStore(stand.root).put('sessions/a/x', Buffer.from('theirs'));
    await expect(put).rejects.toMatchObject({ code: 'already-exists' });
    expect(await stand.replay()).toEqual([]);
    expect(stand.text('x')).toBe('theirs');
  });

  it('never replaces what is another object, and says so at each start (security case 20)', async () => {
    const stand = new Stand();
    await stand.put('close.json', 'what was stored');
    await stand.put('x');
    const path = join(stand.root, 'sessions/a/close.json');
    rmSync(path);
    writeFileSync(path, 'what was st0red');
    for (let start = 0; start < 2; start += 1)
      expect(await stand.replay()).toEqual(['sessions/a/close.json is not what this gateway stored']);
    expect(stand.text('close.json')).toBe('what was st0red');
    expect(Buffer.from(await directoryStore(stand.root).get('sessions/a/close.json')).toString()).toBe(
      'what was st0red',
    );
  });

  it('is read whole in a session of it, which is a folder of evidence, while the log alone has something', async () => {
    const stand = new Stand();
    const bytes = Buffer.from('opened');
    await stand.folder.store.put('sessions/b/open.json', bytes);
    rmSync(join(stand.root, 'sessions/b'), { recursive: true });
    const evidence = localFolder(join(stand.root, 'sessions/b'));
    expect(await evidence.list()).toEqual(['open.json']);
    expect(Buffer.from(await evidence.get('open.json', 100))).toEqual(bytes);
    await expect(localFolder(join(stand.root, 'sessions/c')).list()).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('takes no key from a log that leaves the store (security case 14), and no log that is no file', async () => {
    const stand = new Stand();
    await stand.log.append({ kind: 'object', name: '../outside', bytes: Buffer.from('x') });
    await expect(stand.replay()).rejects.toMatchObject({ code: 'internal' });
    await expect(directoryStore(stand.root).list('')).rejects.toMatchObject({ code: 'internal' });
    const other = new Stand();
    mkdirSync(join(other.root, '.log', 'x.puts'), { recursive: true });
    await expect(directoryStore(other.root).list('')).rejects.toMatchObject({ code: 'state-damaged' });
  });

  it('has everything that was acknowledged wherever its process is killed, and nothing in part', async () => {
    for (let steps = 0, ended = false; !ended; steps += 1) {
      const stand = new Stand();
      const done: string[] = [];
      let left = steps;
      const killed = (): void => {
        if (left-- <= 0) throw new Error('killed');
      };
      const writeSync = stand.disk.writeSync.bind(stand.disk);
      stand.disk.writeSync = (...args) => {
        killed();
        const written = writeSync(...args);
        killed();
        return written;
      };
      const stop = watchFileCalls(killed);
      ended = await session(stand, done).then(
        () => true,
        () => false,
      );
      stop();
      expect(await stand.replay(), `killed after ${steps}`).toEqual([]);
      await expectWhole(stand, done, steps);
    }
  });

  it('leaves nothing to replay when it is closed, while it settles too', async () => {
    const stand = new Stand();
    await stand.put('one');
    const settled = stand.log.settle();
    const two = stand.put('two');
    await two;
    await stand.log.close();
    await settled;
    expect(stand.logs()).toEqual([]);
    expect([stand.text('one'), stand.text('two')]).toEqual(['one', 'two']);
  });

  it('keeps all that was acknowledged when the process is killed for good', async () => {
    const { dataDir } = new Stand();
    const writer = startChild('test/support/store-log-process.ts', dataDir);
    const acknowledged: string[] = [];
    while (acknowledged.length < 60) acknowledged.push(await writer.line());
    writer.process.kill('SIGKILL');
    expect(await writer.gone).toBe('SIGKILL');
    const index = openSessionIndex(join(dataDir, 'index.sqlite'));
    expect(await replayFolder(dataDir, { index, leaves: localLeafQueue(dataDir) })).toEqual([]);
    for (const id of acknowledged) {
      expect(readdirSync(join(dataDir, 'store/sessions', id)).sort()).toEqual(['open.json', 'open.json.sig']);
      expect((await index.get(id)).state).toBe('open');
    }
  });
});

/** How often its log was written since. */
function countWrites({ disk }: Stand): () => number {
  let writes = 0;
  const writeSync = disk.writeSync.bind(disk);
  disk.writeSync = (...args) => {
    writes += 1;
    return writeSync(...args);
  };
  return () => writes;
}

/** What a session puts; `done`: what was acknowledged. */
async function session({ folder, log }: Stand, done: string[]): Promise<void> {
  const puts = new OwnPuts(folder.store, 'a', undefined);
  await folder.index.opened(sessionRecord(1));
  const opening = [
    ['open.json.sig', Buffer.from('signed')],
    ['open.json', Buffer.from('opened')],
  ] as const;
  await puts.putEntered(opening, Buffer.from('opened'));
  done.push('open.json', 'open.json.sig', 'leaf opened');
  await log.settle();
  const closing = [
    ['close.json', Buffer.from('closed')],
    ['close.json.sig', Buffer.from('signed')],
  ] as const;
  await puts.putEntered(closing, Buffer.from('closed'));
  done.push('close.json', 'close.json.sig', 'leaf closed');
  await folder.index.closed(sessionRecord(1).id, OUTCOME);
  await log.settle();
}

const TEXTS: Readonly<Record<string, string>> = {
  'open.json': 'opened',
  'open.json.sig': 'signed',
  'close.json': 'closed',
  'close.json.sig': 'signed',
};

async function expectWhole(stand: Stand, done: readonly string[], steps: number): Promise<void> {
  const folder = join(stand.root, 'sessions/a');
  const there = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of there) expect(stand.text(name), `${name} after ${steps}`).toBe(TEXTS[name]);
  expect(there, `after ${steps}`).toEqual(
    expect.arrayContaining(done.filter((name) => !name.startsWith('leaf '))),
  );
  const leaves = (await stand.queued()).map((leaf) => `leaf ${leaf}`);
  expect(leaves, `after ${steps}`).toEqual(
    expect.arrayContaining(done.filter((name) => name.startsWith('leaf '))),
  );
  for (const [leaf, name] of [
    ['leaf opened', 'open.json'],
    ['leaf closed', 'close.json.sig'],
  ] as const)
    expect(!leaves.includes(leaf) || there.includes(name), `${leaf} after ${steps}`).toBe(true);
  expect(there.includes('close.json') || !there.includes('close.json.sig'), `after ${steps}`).toBe(true);
  expect(stand.logs()).toEqual([]);
}
