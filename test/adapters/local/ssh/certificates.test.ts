import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { caKeys, createSshCas, targetCa, userCa } from '#adapters/local/ssh/cas.ts';
import { localCertificates } from '#adapters/local/ssh/certificates.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import { certificateBookContract } from '#test/contract/certificate-book.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-certificates-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function open(where: string) {
  const book = localCertificates(where);
  onTestFinished(() => book.close());
  return book;
}

certificateBookContract('SQLite', () => open(folder()));

test('a damaged list is said to be damaged', () => {
  const where = folder();
  writeFileSync(join(where, 'ssh-certificates.sqlite'), 'this is no database at all'.repeat(100));
  expect(() => localCertificates(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
});

describe('the CAs of a data folder', () => {
  it('are two, for their owner alone, and stay what they are', async () => {
    const where = folder();
    createSshCas(where);
    const [user] = caKeys(where, 'user');
    const [target] = caKeys(where, 'target');
    createSshCas(where);
    expect(caKeys(where, 'user')[0]!.fingerprint).toBe(user!.fingerprint);
    expect(caKeyOf(await userCa(where).publicKey()).fingerprint).toBe(user!.fingerprint);
    expect(caKeyOf(await targetCa(where).publicKey()).fingerprint).toBe(target!.fingerprint);
    expect(user!.fingerprint).not.toBe(target!.fingerprint);
    for (const file of ['user-ca.key', 'target-ca.key'])
      expect(statSync(join(where, 'ssh', file)).mode & 0o777).toBe(0o600);
  });

  it('are not used where others can read them', () => {
    const where = folder();
    createSshCas(where);
    chmodSync(join(where, 'ssh', 'user-ca.key'), 0o644);
    expect(() => userCa(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
  });

  it('may have older ones beside them, and nothing else', () => {
    const [where, before] = [folder(), folder()];
    createSshCas(where);
    createSshCas(before);
    const file = join(where, 'ssh', 'user-ca.pub');
    appendFileSync(file, `# until the summer\n\n${readFileSync(join(before, 'ssh', 'user-ca.pub'), 'utf8')}`);
    const [, older] = caKeys(where, 'user');
    expect(older!.fingerprint).toBe(caKeys(before, 'user')[0]!.fingerprint);
    for (const text of ['', '# nothing\n', 'no key\n', 'ssh-ed25519 AAAA\n']) {
      writeFileSync(file, text);
      expect(() => caKeys(where, 'user')).toThrow(expect.objectContaining({ code: 'state-damaged' }));
    }
  });

  it.runIf(hasOpenSsh())('are what OpenSSH takes for the halves of one key', () => {
    const where = folder();
    createSshCas(where);
    const path = (file: string) => join(where, 'ssh', file);
    const half = execFileSync('ssh-keygen', ['-y', '-f', path('user-ca.key')], { encoding: 'utf8' });
    expect(readFileSync(path('user-ca.pub'), 'utf8').split(' ').slice(0, 2)).toEqual(
      half.trim().split(' ').slice(0, 2),
    );
  });
});
