import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { accessStoreContract } from '#test/contract/access-store.ts';
import { presenceContract } from '#test/contract/presence.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-access-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function open(where: string) {
  const store = localAccessStore(where);
  onTestFinished(() => store.close());
  return store;
}

accessStoreContract('SQLite', async () => open(folder()));
presenceContract('SQLite', async () => open(folder()));

test('two processes of one folder see each other', async () => {
  const where = folder();
  const [api, gateway] = [open(where), open(where)];
  await api.ask({ session: 's', by: { issuer: 'i', subject: 's' }, at: '2026-11-23T09:00:00.000Z' });
  expect(await gateway.asked(['s'])).toHaveLength(1);
});

test('a damaged file is said to be damaged', () => {
  const where = folder();
  writeFileSync(join(where, 'access.sqlite'), 'this is no database, whatever it is called'.repeat(100));
  expect(() => localAccessStore(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
});

test('one that cannot be opened is not', () => {
  const where = folder();
  mkdirSync(join(where, 'access.sqlite'));
  expect(() => localAccessStore(where)).toThrow(expect.objectContaining({ code: 'store-unavailable' }));
});
