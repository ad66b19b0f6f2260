import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localLogouts } from '#adapters/local/logouts.ts';
import { logoutsContract } from '#test/contract/logouts.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-logouts-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function open(where: string) {
  const logouts = localLogouts(where);
  onTestFinished(() => logouts.close());
  return logouts;
}

logoutsContract('SQLite', () => {
  const where = folder();
  return { logouts: open(where), watch: open(where) };
});

test('a logout is there after a restart, and its token is still used', async () => {
  const where = folder();
  const logout = { token: 't', at: new Date('2026-11-23T09:00:00.000Z'), marks: ['dana'] };
  const before = localLogouts(where);
  await before.take(logout);
  before.close();
  const after = open(where);
  expect(await after.newest(['dana'])).toEqual(new Map([['dana', logout.at]]));
  expect(await after.take(logout)).toBe(false);
});

test('a damaged file is said to be damaged', () => {
  const where = folder();
  writeFileSync(join(where, 'logouts.sqlite'), 'this is no database, whatever it is called'.repeat(100));
  expect(() => localLogouts(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
});
