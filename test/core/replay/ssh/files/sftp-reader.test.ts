import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasOpenSsh, hasSshTools, sshTool } from '#test/support/ssh-tools.ts';
import { Stand, stepsOf } from './captured.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.runIf(hasOpenSsh())('OpenSSH', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = new Stand();
  });
  afterAll(() => stand.end());

  const sftp = (lines: readonly string[]) =>
    stand.run('sftp', ['-S', stand.ssh, '-b', '-', 'host'], { input: `${lines.join('\n')}\n` });

  test.each([1 << 20, 1000, 1])(
    'sftp: what went up and down has the digests that the files have (pieces of %i)',
    async (cut) => {
      const content = randomBytes(cut === 1 ? 70_000 : 700_001);
      writeFileSync(join(stand.local, 'up'), content, { mode: 0o640 });
      writeFileSync(join(stand.local, 'none'), '');
      const steps = stepsOf(await sftp(['put up', 'put none', 'get up down', 'get none nothing']), cut);
      const passed = { sha256: sha256(content), transferred: content.length, whole: true };
      const nothing = { sha256: sha256(Buffer.alloc(0)), transferred: 0, whole: true };
      const name = (path: string) => ({ text: join(stand.remote, path) });
      expect(steps).toMatchObject([
        {
          outcome: 'completed',
          file: { operation: 'write', direction: 'upload', path: name('up'), mode: 0o640, ...passed },
        },
        { outcome: 'completed', file: { operation: 'write', path: name('none'), ...nothing } },
        {
          outcome: 'completed',
          file: { operation: 'read', direction: 'download', path: name('up'), ...passed },
        },
        { outcome: 'completed', file: { operation: 'read', path: name('none'), ...nothing } },
      ]);
      expect(readFileSync(join(stand.local, 'down')).equals(content)).toBe(true);
    },
  );

  test('sftp: what the target would not do has the code of its answer', async () => {
    const steps = stepsOf(await sftp(['-mkdir none/of/them', '-rm nothing-here']), 1000);
    const refused = { outcome: 'refused' };
    expect(steps).toMatchObject([
      { ...refused, file: { operation: 'mkdir', status: 2 } },
      { ...refused, file: { operation: 'remove', status: 2 } },
    ]);
  });
});

test.runIf(hasOpenSsh() && hasSshTools())(
  'paramiko: hundreds of random operations, each a step',
  async () => {
    const stand = new Stand();
    try {
      const script = fileURLToPath(new URL('random-sftp.py', import.meta.url));
      const capture = await stand.run(sshTool('python'), [script, stand.ssh, '7', '300']);
      expect(stand.errors).toBe('');
      const steps = stepsOf(capture, 10_000).map(({ file, outcome }) => [
        file?.operation,
        file?.path.text,
        file?.sha256 ?? file?.newPath?.text ?? null,
        outcome,
      ]);
      const did = JSON.parse(stand.output) as unknown[][];
      expect(steps).toEqual(did.map((one) => [...one, 'completed']));
    } finally {
      stand.end();
    }
  },
  60_000,
);
