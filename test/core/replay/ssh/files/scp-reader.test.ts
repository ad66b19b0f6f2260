import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { readerOf, Stand, stepsOf } from './captured.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.runIf(hasOpenSsh())('OpenSSH: scp -O', () => {
  let stand: Stand;
  const content = randomBytes(150_001);
  beforeAll(() => {
    stand = new Stand();
    for (const side of [stand.local, stand.remote]) {
      mkdirSync(join(side, 'tree/deep/none'), { recursive: true });
      writeFileSync(join(side, 'tree/deep/über all'), content, { mode: 0o640 });
      writeFileSync(join(side, 'one'), content.subarray(1));
      writeFileSync(join(side, 'empty'), '');
    }
  });
  afterAll(() => stand.end());
  const scp = (...args: string[]) => stand.run('scp', ['-O', '-S', stand.ssh, ...args]);
  const brief = (steps: readonly SshStep[]) =>
    steps.map(({ outcome, file }) => [
      outcome,
      file?.operation,
      file?.path.text,
      file?.name?.text,
      file?.sha256,
      file?.whole,
    ]);

  test.each([1 << 20, 1000, 1])(
    'files up: digests, and where they stand as far as that is certain (pieces of %i)',
    async (cut) => {
      const capture = await scp('one', 'empty', `host:${stand.remote}`);
      expect(brief(stepsOf(capture, cut))).toEqual([
        ['completed', 'write', `${stand.remote}/one`, undefined, sha256(content.subarray(1)), true],
        ['completed', 'write', `${stand.remote}/empty`, undefined, sha256(new Uint8Array()), true],
      ]);
      expect(brief(stepsOf(await scp('one', 'host:new'), cut))).toEqual([
        ['completed', 'write', 'new', 'one', sha256(readFileSync(join(stand.remote, 'new'))), true],
      ]);
    },
  );

  test('files down, with and without a pattern', async () => {
    const passed = [undefined, sha256(content.subarray(1)), true];
    expect(brief(stepsOf(await scp('host:one', 'down')))).toEqual([['completed', 'read', 'one', ...passed]]);
    const [, ...digest] = passed;
    expect(brief(stepsOf(await scp('host:on*', 'down')))).toEqual([
      ['completed', 'read', 'on*', 'one', ...digest],
    ]);
  });

  test('trees up and down, with times', async () => {
    const up = stepsOf(await scp('-r', '-p', 'tree', 'host:./'));
    expect(brief(up).map(([, ...rest]) => rest.slice(0, 2))).toEqual(
      expect.arrayContaining([
        ['mkdir', './tree'],
        ['mkdir', './tree/deep'],
        ['mkdir', './tree/deep/none'],
        ['write', './tree/deep/über all'],
      ]),
    );
    expect(up.find(({ file }) => file?.operation === 'write')?.file).toMatchObject({
      mode: 0o640,
      sha256: sha256(content),
      modified: expect.any(Number) as number,
    });
    expect(brief(stepsOf(await scp('-r', 'host:tree', 'down-tree')))).toEqual([
      ['completed', 'read', 'tree/deep/über all', undefined, sha256(content), true],
    ]);
  });

  test('what is not there, or may not be written', async () => {
    expect(stepsOf(await scp('host:none', 'x'))).toMatchObject([
      {
        outcome: 'refused',
        file: {
          operation: 'read',
          path: { text: 'none' },
          error: { text: expect.stringContaining('No such file') as string },
        },
      },
    ]);
    const up = stepsOf(await scp('one', 'host:tree/none/x'));
    expect(up).toMatchObject([
      { outcome: 'refused', file: { operation: 'write', path: { text: 'tree/none/x' }, whole: false } },
    ]);
  });

  test('what the client stops in the middle is unfinished', async () => {
    chmodSync(join(stand.remote, 'one'), 0o600);
    const capture = await scp('host:one', 'down');
    const pieces = capture.pieces.slice(0, -3);
    expect(stepsOf({ ...capture, pieces }).at(-1)).toMatchObject({
      outcome: 'unfinished',
      file: { whole: false },
    });
  });
});

test.each([
  ['echo x; scp -t y'],
  ['scp -t $HOME/x'],
  ['scp -t x y'],
  ['scp -S prog -f x'],
  ['scp -f *'],
  ['scp x host:y'],
  ['X=1 scp -t y'],
  ["scp -t 'x"],
  ['scp -t -f x'],
])('%s is no plain scp', (command) => {
  expect(readerOf({ kind: 'exec', command })).toBeUndefined();
});

test('a client that does not wait for the answer is read, unless the answer turns out to be no', () => {
  const take = (answer: string): SshStep[] => {
    const reader = readerOf({ kind: 'exec', command: 'scp -t x' })!;
    return [
      ...reader.take('out', Buffer.from('\0'), 1, false),
      ...reader.take('in', Buffer.from('C0644 2 a\nhi\0'), 2, false),
      ...reader.take('out', Buffer.from(answer), 3, false),
      ...reader.end(4),
    ];
  };
  expect(take('\0\0')).toMatchObject([{ outcome: 'completed', file: { sha256: sha256(Buffer.from('hi')) } }]);
  expect(take('\x01scp: x: no\n').map(({ kind }) => kind)).toEqual(['damaged', 'file']);
});
