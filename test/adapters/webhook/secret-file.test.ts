import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSecretFile } from '#adapters/webhook/secret-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custody-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('readSecretFile', () => {
  it('gives what is in the file, without the line end', async () => {
    const file = join(folder, 'secret');
    writeFileSync(file, 'whsec_abc\r\n');
    expect(await readSecretFile(file)).toBe('whsec_abc');
  });

  it('rejects when there is no such file, and when it is none (security case 5)', async () => {
    const missing = { code: 'config-invalid', message: "the webhook's secret cannot be read (ENOENT)" };
    await expect(readSecretFile(join(folder, 'none'))).rejects.toMatchObject(missing);
    await expect(readSecretFile('')).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(readSecretFile(folder)).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
