import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { localSandboxes } from '#adapters/local/sandboxes.ts';
import { sandboxesContract } from '#test/contract/sandboxes.ts';

sandboxesContract('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-sandboxes-'));
  const [store, other] = [localSandboxes(folder), localSandboxes(folder)];
  onTestFinished(() => {
    store.close();
    other.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { store, other };
});
