import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildEvidence, makeKeys, pem } from '#test/support/evidence-builder.ts';
import { custody, temporary } from './support.ts';

test('security case 10: a bundle takes no file along that a link in a hostile folder leads to', async () => {
  const keys = makeKeys();
  const [folder, out, elsewhere] = [temporary(), join(temporary(), 'bundle'), temporary()];
  for (const [name, bytes] of buildEvidence(keys, [[[]]])) writeFileSync(join(folder, name), bytes);
  const [secret, key] = [join(elsewhere, 'id_ed25519'), join(elsewhere, 'signer.pem')];
  writeFileSync(secret, 'a private key');
  writeFileSync(key, pem(keys.signer));
  symlinkSync(secret, join(folder, 'notes.txt'));
  const { code, stderr } = await custody(['export', folder, '--key', key, '--bundle', '--out', out]);
  const taken = join(out, 'evidence', 'notes.txt');
  expect(existsSync(taken) ? readFileSync(taken, 'utf8') : '').toBe('');
  expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining('link')]);
});
