import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { leafHash } from '#core/ledger/merkle.ts';
import { numberedEntries, readStaging } from '#core/ledger/staging.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { custody, type Ran, temporary } from './support.ts';

let local: LocalGateway;
/** A copy of the deployment, as an auditor would be given it; each attack is made on a copy of its own. */
let exported: string;
let checkpoint: string;

beforeAll(async () => {
  local = await startLocalGateway();
  for (const n of [1, 2]) await session(`select ${n}`);
  const head = localLedgerHead(local.dataDir);
  checkpoint = await vi.waitFor(
    async () => {
      const stored = await head.read();
      if (stored?.checkpoint.split('\n')[1] !== '5') throw new Error('not all leaves are in the ledger yet');
      return stored.checkpoint;
    },
    { timeout: 60_000, interval: 200 },
  );
  head.close();
  // The tiles follow the head, and then the leaves leave the queue: a copy is made once they have.
  const queue = localLeafQueue(local.dataDir);
  await vi.waitFor(
    async () => {
      if ((await queue.list(1)).length > 0) throw new Error('the commit is not finished yet');
    },
    { timeout: 30_000 },
  );
  queue.close();
  exported = join(mkdtempSync(join(tmpdir(), 'custody-audit-')), 'store');
  // Without the log, which still has what was just stored: whatever is taken away here would be read from there.
  const filter = (path: string): boolean => !path.endsWith('/.log');
  cpSync(join(local.dataDir, 'store'), exported, { recursive: true, filter });
  writeFileSync(join(exported, 'ledger', 'checkpoint'), checkpoint);
});
afterAll(async () => {
  rmSync(join(exported, '..'), { recursive: true, force: true });
  await local?.stop();
});

async function session(sql: string): Promise<void> {
  const { host, port } = local.addresses.postgres;
  const client = new pg.Client({
    host,
    port,
    database: 'orders-db',
    user: 'dana',
    password: await local.token('developer'),
    ssl: { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' },
  });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** The commit's own entries. */
function leavesOf(tiles: ReadonlyMap<string, Uint8Array>, leaves: readonly string[]): Buffer[] {
  const entries = numberedEntries({ tiles, leaves }).map(({ entry }) => entry);
  return entries.filter((entry) => leaves.includes(leafHash(entry).toString('hex')));
}

function copyOf(folder: string): string {
  const copy = join(temporary(), 'copy');
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function ran(folder: string, ...more: string[]): Promise<Ran> {
  return custody(['audit', folder, '--key', local.addresses.signer, ...more], { env: {} });
}

const firstSession = (folder: string): string =>
  join(folder, 'sessions', readdirSync(join(folder, 'sessions')).sort()[0]!);

describe('custody audit', () => {
  it('is clean over a running deployment and over a copy of it, offline', async () => {
    for (const folder of [local.dataDir, exported]) {
      const { code, stdout } = await ran(folder);
      expect(stdout).toContain('1 policy-changed, 2 session-opened, 2 session-closed');
      expect(stdout).toContain('2, of which 2 verified, 0 live');
      expect([code, stdout.trim().split('\n').at(-1)]).toEqual([0, expect.stringMatching(/^CLEAN/)]);
    }
  });

  it('takes a commit whose gateway died in the middle of it for what it is, and a missing tile for missing', async () => {
    const folder = join(temporary(), 'data');
    cpSync(exported, join(folder, 'store'), { recursive: true });
    rmSync(join(folder, 'store', 'ledger', 'checkpoint'));
    const staging = join(folder, 'store', 'ledger', 'staging');
    const size = checkpoint.split('\n')[1]!;
    const name = readdirSync(staging).find((file) => file.startsWith(`${size}-`))!;
    const { leaves, tiles } = readStaging(readFileSync(join(staging, name)), name);
    const head = localLedgerHead(folder);
    await head.swap(undefined, checkpoint);
    head.close();
    for (const path of tiles.keys()) rmSync(join(folder, 'store', tileKey(path)));
    const finished = await ran(folder);
    expect(finished).toMatchObject({ code: 1, stdout: expect.stringContaining('tile-missing: ') });
    expect(finished.stdout).not.toMatch(/finding {4}(?:session|ledger)-/);

    const queue = localLeafQueue(folder);
    for (const leaf of leavesOf(tiles, leaves)) await queue.add(leaf);
    queue.close();
    const { code, stdout } = await ran(folder);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`${tiles.size} tiles read where it staged them`),
    ]);
    expect(stdout).toMatch(/^CLEAN/m);
  });

  it('takes times as every list does, and refuses what is none', async () => {
    for (const from of ['2026-02-30', '1', 'November 2026', '9999999d'])
      expect((await ran(exported, '--from', from)).stderr).toContain("option '--from <time>' argument");
    expect((await ran(exported, '--from', '7d', '--seal-deadline', 'Infinity')).stderr).toContain(
      'number of hours',
    );
    expect(await ran(exported, '--from', '7d')).toMatchObject({ code: 0 });
  });

  it('tells programs the same', async () => {
    const { stdout } = await ran(exported, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ findings: [], facts: { size: 5, sessions: 2, verified: 2 } });
  });

  it.each<[what: string, attack: (folder: string) => void, finding: RegExp]>([
    [
      'a removed session',
      (folder) => rmSync(firstSession(folder), { recursive: true }),
      /^finding {4}session-missing: session [0-9a-f-]{36}: it is in the ledger, and nothing of it is in the store$/m,
    ],
    [
      'a session that the ledger does not know',
      (folder) => {
        const from = firstSession(folder);
        cpSync(from, from.replace(/.{12}$/, 'aaaaaaaaaaaa'), { recursive: true });
      },
      /^finding {4}session-(unlisted|altered): session [0-9a-f-]{23}-aaaaaaaaaaaa: /m,
    ],
    [
      'a flipped byte',
      (folder) => {
        const file = join(firstSession(folder), '00000000.seg');
        const bytes = readFileSync(file);
        bytes[30]! ^= 1;
        chmodSync(file, 0o600);
        writeFileSync(file, bytes);
      },
      /^finding {4}session-altered: session [0-9a-f-]{36}: \S+: /m,
    ],
    [
      'an altered ledger entry',
      (folder) => {
        const bundles = join(folder, 'ledger', 'tile', 'entries', '000.p');
        const file = join(bundles, '5');
        const bytes = readFileSync(file);
        bytes[60]! ^= 1;
        renameSync(file, `${file}.old`);
        writeFileSync(file, bytes);
      },
      /^finding {4}ledger-altered: /m,
    ],
  ])('names %s', async (_, attack, finding) => {
    const folder = copyOf(exported);
    attack(folder);
    const { code, stdout } = await ran(folder);
    expect([code, stdout]).toEqual([1, expect.stringMatching(finding)]);
    expect(stdout).toMatch(/^FAILED/m);
  });

  it('cannot check a ledger under another key, or none, and says so', async () => {
    const other = await custody(['audit', exported, '--key', local.addresses.ca], { env: {} });
    expect(other.code).toBe(2);
    const none = await custody(['audit', exported], { env: { CUSTODY_HOME: join(temporary(), 'home') } });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--key') });
    const nothing = join(temporary(), 'empty');
    mkdirSync(nothing);
    expect(await ran(nothing)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no checkpoint'),
    });
  });
});

describe('custody ledger witness', () => {
  const witness = (folder: string, out: string): Promise<Ran> =>
    custody(['ledger', 'witness', folder, '--out', out, '--key', local.addresses.signer], { env: {} });

  it('keeps a checkpoint outside, replaces it by later ones of the same ledger, and audit proves that it only grew', async () => {
    const kept = join(temporary(), 'checkpoint');
    writeFileSync(kept, checkpoint);
    await session('select 3');
    await vi.waitFor(async () => expect((await ran(local.dataDir)).stdout).toContain('3 session-closed'), {
      timeout: 30_000,
      interval: 500,
    });
    const audited = await ran(local.dataDir, '--since-checkpoint', kept);
    expect(audited).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('from 5 leaves, as the checkpoint says'),
    });
    expect(await witness(local.dataDir, kept)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/grown from 5$/m),
    });
    expect(readFileSync(kept, 'utf8')).not.toBe(checkpoint);

    // The copy is older than what was kept: a deployment that shows it was rolled back.
    const back = await ran(exported, '--since-checkpoint', kept);
    expect(back).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^finding {4}ledger-rolled-back: /m),
    });
    const before = readFileSync(kept, 'utf8');
    expect(await witness(exported, kept)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('rolled back'),
    });
    expect(readFileSync(kept, 'utf8')).toBe(before);
  });
});
