import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { localScim } from '#adapters/local/scim-directory.ts';
import { scimDirectoryContract } from '#test/contract/scim-directory.ts';
import { MemoryScim } from '#test/support/memory-scim.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

scimDirectoryContract('SQLite', () => {
  const shared = mkdtempSync(join(tmpdir(), 'custody-scim-'));
  folders.push(shared);
  return () => localScim(shared);
});

scimDirectoryContract('memory', () => {
  const shared = new MemoryScim();
  return () => shared;
});
