import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { localSealingClaims } from '#adapters/local/sealing-claims.ts';
import { sealingClaimsContract } from '#test/contract/sealing-claims.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

sealingClaimsContract('SQLite', () => {
  const shared = mkdtempSync(join(tmpdir(), 'custody-claims-'));
  folders.push(shared);
  return () => localSealingClaims(shared);
});
