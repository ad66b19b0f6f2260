import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';

function folderWithKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'custody-signer-'));
  createSignerKey(folder);
  return folder;
}

describe('file signer', () => {
  it('signs what the published key verifies', async () => {
    const folder = folderWithKey();
    const message = Buffer.from('a statement');
    const signature = await fileSigner(folder).sign(message);
    const published = createPublicKey(readFileSync(join(folder, 'signer.pem')));
    expect(verify('sha256', message, published, signature)).toBe(true);
    expect(verify('sha256', Buffer.from('another'), published, signature)).toBe(false);
  });

  it('keeps the key it has, owner-only', () => {
    const folder = folderWithKey();
    const before = readFileSync(join(folder, 'signer.key'));
    createSignerKey(folder);
    expect(readFileSync(join(folder, 'signer.key')).equals(before)).toBe(true);
    expect(statSync(join(folder, 'signer.key')).mode & 0o777).toBe(0o600);
  });

  it('refuses a key that is missing, damaged, of another kind, or open to others (security cases 5, 15)', () => {
    const folder = folderWithKey();
    const path = join(folder, 'signer.key');
    chmodSync(path, 0o640);
    expect(() => fileSigner(folder)).toThrow(/permissions/);
    chmodSync(path, 0o600);
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => fileSigner(folder)).toThrow(/not a P-256 key/);
    writeFileSync(path, 'garbage');
    expect(() => fileSigner(folder)).toThrow(/cannot be read/);
    expect(() => fileSigner(join(folder, 'none'))).toThrow(/cannot be read/);
  });

  it('does not call a key damaged that the disk does not give', () => {
    const folder = folderWithKey();
    rmSync(join(folder, 'signer.key'));
    mkdirSync(join(folder, 'signer.key'), { mode: 0o700 });
    expect(() => fileSigner(folder)).toThrow(
      expect.objectContaining({
        code: 'store-unavailable',
        hint: expect.not.stringContaining('backup') as string,
      }),
    );
  });
});
