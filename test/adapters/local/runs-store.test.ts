import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { runStoreContract, storedRun } from '#test/contract/runs-store.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-runs-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function open(where: string) {
  const store = localRunStore(where);
  onTestFinished(() => store.close());
  return store;
}

runStoreContract('SQLite', async () => open(folder()));

test('two processes of one folder see each other', async () => {
  const where = folder();
  const [api, gateway] = [open(where), open(where)];
  const run = await api.create(storedRun(1), Buffer.alloc(32));
  expect(await gateway.get(run.id)).toEqual(run);
});

test('a damaged file is said to be damaged', () => {
  const where = folder();
  writeFileSync(join(where, 'runs.sqlite'), 'this is no database, whatever it is called'.repeat(100));
  expect(() => localRunStore(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
});
