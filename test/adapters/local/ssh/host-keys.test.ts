import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { hostKeysContract } from '../../../contract/host-keys.ts';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-host-keys-'));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

describe('host keys in a data folder', () => {
  hostKeysContract(async () => {
    const folder = newFolder();
    return { open: () => localHostKeys(folder) };
  });

  it('are for the owner alone, and leave no draft behind', async () => {
    const folder = newFolder();
    await localHostKeys(folder).load();
    expect(statSync(join(folder, 'ssh', 'host_ed25519')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'ssh')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, 'ssh'))).toEqual(['host_ed25519']);
  });

  it.each([
    ['is open to others', (path: string) => chmodSync(path, 0o644), /may be read by others/],
    ['is damaged', (path: string) => writeFileSync(path, 'no key'), /is not in OpenSSH or PEM form/],
  ])('are not made anew where one %s', async (_what, spoil, words) => {
    const folder = newFolder();
    await localHostKeys(folder).load();
    spoil(join(folder, 'ssh', 'host_ed25519'));
    await expect(localHostKeys(folder).load()).rejects.toMatchObject({ code: 'state-damaged' });
    await expect(localHostKeys(folder).load()).rejects.toThrow(words);
  });
});
