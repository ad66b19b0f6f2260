import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useDataFolder, waitForEarlierGateway } from '#local/setup/folder-use.ts';
import { type Child, startChild } from '#test/support/child.ts';
import { temporaryFolder } from '#test/support/local-gateway.ts';

const LOCK_PROCESS = fileURLToPath(new URL('../../support/lock-process.ts', import.meta.url));
const WAITING = 'a gateway of an earlier start is still ending its sessions: waiting';
let parent: string;
let dataDir: string;
let holder: Child | undefined;

beforeEach(() => {
  parent = temporaryFolder();
  dataDir = join(parent, 'data');
});
afterEach(async () => {
  holder?.process.kill('SIGKILL');
  await holder?.gone;
  holder = undefined;
  rmSync(parent, { recursive: true });
});

async function hold(folder: string): Promise<Child> {
  holder = startChild(LOCK_PROCESS, folder);
  expect(await holder.line()).toBe('locked');
  return holder;
}

test('waits for an earlier gateway, and says so once', async () => {
  mkdirSync(dataDir);
  const gateway = await hold(dataDir);
  const said: string[] = [];
  await waitForEarlierGateway(dataDir, 60_000, (line) => {
    said.push(line);
    gateway.process.kill('SIGKILL');
  });
  expect(said).toEqual([WAITING]);
});

test('waits no longer than that gateway may take', async () => {
  mkdirSync(dataDir);
  await hold(dataDir);
  await expect(waitForEarlierGateway(dataDir, -5_000, () => undefined)).rejects.toMatchObject({
    code: 'state-damaged',
    message: `the data folder ${dataDir} is in use by another gateway`,
  });
});

test('has nothing to wait for in a folder that nobody uses', async () => {
  mkdirSync(dataDir);
  const said: string[] = [];
  await waitForEarlierGateway(dataDir, 0, (line) => said.push(line));
  expect(said).toEqual([]);
});

test('a folder belongs to one npm start at a time', async () => {
  const use = useDataFolder(dataDir);
  use.release();
  await hold(join(dataDir, 'supervisor'));
  expect(() => useDataFolder(dataDir)).toThrow(`another npm start uses the data folder ${dataDir}`);
});

test('others can list nothing in a folder it makes; as root, they may pass through', () => {
  useDataFolder(dataDir).release();
  expect(statSync(dataDir).mode & 0o777).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
});
