import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { localLeases } from '#adapters/local/task-leases.ts';
import { taskLeasesContract } from '#test/contract/task-leases.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-leases-'));
  folders.push(made);
  return made;
}

taskLeasesContract('SQLite', () => {
  const shared = folder();
  return () => localLeases(shared);
});

describe('localLeases', () => {
  it('says so when its file is not a database', () => {
    const damaged = folder();
    writeFileSync(
      join(damaged, 'leases.sqlite'),
      'nothing that SQLite wrote, and long enough to be looked at',
    );
    expect(() => localLeases(damaged)).toThrow('cannot be opened');
  });
});
