import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { areLeavesQueued, readLedgerHead } from '#adapters/local/ledger-file.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import { temporary } from '../../cli/support.ts';

const NOTE = 'custody.local/ledger\n1\nroot\n\nsignature\n';
const MANY = 65_536;
const HEAD = 'head (one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint TEXT NOT NULL) STRICT';
const LEAVES = 'CREATE TABLE leaves (id TEXT UNIQUE NOT NULL, leaf BLOB) STRICT';
const ENDLESS = 'WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)';

let folder: string;
beforeEach(() => {
  folder = temporary();
});

async function ledger(note = NOTE): Promise<void> {
  const head = localLedgerHead(folder);
  await head.swap(undefined, note);
  head.close();
}

function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]),
  );
}

describe("a ledger's file, as whoever audits it reads it", () => {
  it('has the newest checkpoint, also while a gateway has it open, and is left as it is', async () => {
    await ledger();
    const before = contents();
    expect(await readLedgerHead(folder, MANY)).toBe(NOTE);
    expect(contents()).toEqual(before);
    const running = localLedgerHead(folder);
    await running.swap(NOTE, 'newer');
    expect(await readLedgerHead(folder, MANY)).toBe('newer');
    running.close();
  });

  it('has none before the first commit', async () => {
    localLedgerHead(folder).close();
    expect(await readLedgerHead(folder, MANY)).toBeUndefined();
  });

  it('says which leaves are queued', async () => {
    const [one, two] = [Buffer.from('one'), Buffer.from('two')];
    const [first, second] = [one, two].map((leaf) => leafHash(leaf).toString('hex')) as [string, string];
    const queue = localLeafQueue(folder);
    await queue.add(one);
    expect(await areLeavesQueued(folder, [first, first])).toBe(true);
    expect(await areLeavesQueued(folder, [first, second])).toBe(false);
    await queue.add(two);
    await queue.remove([first]);
    expect(await areLeavesQueued(folder, [second])).toBe(true);
    expect(await areLeavesQueued(folder, [first, second])).toBe(false);
    queue.close();
  });

  it.each(['-wal', '-shm', '-journal', ''])(
    'waits for no pipe in place of ledger.sqlite%s',
    async (suffix) => {
      await ledger();
      const path = join(folder, `ledger.sqlite${suffix}`);
      execFileSync('rm', ['-f', path]);
      execFileSync('mkfifo', [path]);
      await expect(readLedgerHead(folder, MANY)).rejects.toMatchObject({
        code: 'state-damaged',
        message: `${path} is a pipe, not a plain file`,
      });
    },
  );

  it.each<[what: string, sql: string]>([
    [
      'a view without an end',
      `CREATE VIEW head AS ${ENDLESS} SELECT x AS checkpoint FROM c WHERE x < 0; ${LEAVES}`,
    ],
    [
      'leaves that are a view',
      `CREATE TABLE ${HEAD}; CREATE VIEW leaves AS ${ENDLESS} SELECT x AS id, x AS leaf FROM c`,
    ],
    ['a number', `CREATE TABLE head (one, checkpoint); INSERT INTO head VALUES (1, 5); ${LEAVES}`],
    ['a column that is computed', `CREATE TABLE head (one, checkpoint AS (hex(zeroblob(9)))); ${LEAVES}`],
    ['another table', `CREATE TABLE head (x); ${LEAVES}`],
    ['no table', 'CREATE TABLE x (y)'],
    [
      'a checkpoint of 20 MB',
      `CREATE TABLE ${HEAD}; INSERT INTO head VALUES (1, hex(zeroblob(10000000))); ${LEAVES}`,
    ],
  ])('refuses %s', async (_, sql) => {
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec(sql);
    database.close();
    await expect(readLedgerHead(folder, MANY)).rejects.toMatchObject({
      code: 'state-damaged',
      message: expect.stringContaining("ledger.sqlite is not a ledger's: "),
    });
  });

  it('refuses what is no database, and what is not there', async () => {
    await expect(readLedgerHead(folder, MANY)).rejects.toMatchObject({ code: 'not-found' });
    writeFileSync(join(folder, 'ledger.sqlite'), 'Bud1'.repeat(4096));
    await expect(readLedgerHead(folder, MANY)).rejects.toMatchObject({ code: 'state-damaged' });
  });
});
