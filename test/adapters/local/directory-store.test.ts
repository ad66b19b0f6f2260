import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { recordingStoreContract } from '#test/contract/recording-store.ts';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'custody-store-'));
}

recordingStoreContract('directory', async () => directoryStore(folder()));

describe('directory store', () => {
  it('leaves objects read-only, and nothing behind in staging', async () => {
    const root = folder();
    const store = directoryStore(root);
    await store.put('sessions/a/open.json', Buffer.from('x'));
    await store.put('sessions/a/open.json', Buffer.from('y')).catch(() => undefined);
    expect(statSync(join(root, 'sessions/a/open.json')).mode & 0o222).toBe(0);
    expect(readdirSync(join(root, '.staging'))).toEqual([]);
  });

  it('never shows an object in part: a name appears only by link from staging', async () => {
    const root = folder();
    const store = directoryStore(root);
    const big = new Uint8Array(32 << 20);
    const put = store.put('sessions/a/big', big);
    while (!(await store.list('sessions/a/')).includes('big')) await setImmediate();
    expect(statSync(join(root, 'sessions/a/big')).size).toBe(big.byteLength);
    await put;
  });
});
