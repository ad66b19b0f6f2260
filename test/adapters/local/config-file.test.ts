import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configFileReader, parseConfigFile } from '#adapters/local/config-file.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custody-config-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(credential: string) {
  const file = join(folder, 'custody.yaml');
  writeFileSync(
    file,
    `version: 1
identity:
  - issuer: https://id.example
    audience: custody
    directory: { kind: google, admin: a@b.example, ${credential} }
  - { issuer: https://other.example, name: other, audience: custody, groupsPrefix: 'o:' }
targets: {}
`,
  );
  return parseConfigFile(file);
}

describe("a directory's credential on a laptop", () => {
  it('is a file beside custody.yaml', () => {
    const [first, other] = read('secretFile: secrets/google.json').issuers;
    expect(first!.directory!.secretFile).toBe(join(folder, 'secrets/google.json'));
    expect(other!.directory).toBeUndefined();
  });

  it('is nothing that is kept in AWS', () => {
    expect(() => read('secret: custody/google')).toThrow(
      'the directory of groups of "default" has a credential that is kept in AWS',
    );
  });

  it('is read without the line end after it, and named where it cannot be', async () => {
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'very secret\n');
    expect(await readDirectorySecret({ secretFile })).toBe('very secret');
    await expect(readDirectorySecret({ secretFile: folder })).rejects.toMatchObject({
      code: 'config-invalid',
      detail: `${folder} cannot be read (EISDIR)`,
    });
  });
});

describe('who looks again and again', () => {
  it('is given the same configuration until the text is another, whatever was read in between', async () => {
    read('secretFile: secrets/google.json');
    const file = join(folder, 'custody.yaml');
    const look = configFileReader(file);
    const first = await look();
    expect(await look()).toBe(first);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, 'version: 7');
    await expect(look()).rejects.toMatchObject({ code: 'config-invalid' });
    writeFileSync(file, text.replace('admin: a@', 'admin: b@'));
    const changed = await look();
    expect(changed.version).not.toBe(first.version);
    writeFileSync(file, text);
    const again = await look();
    expect(again).toEqual({ ...first, writtenAt: again.writtenAt });
  });
});
