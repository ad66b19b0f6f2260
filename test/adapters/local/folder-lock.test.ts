import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { lockFolder, lockProcess, untilProcessesGone } from '#adapters/local/folder-lock.ts';
import { startChild } from '#test/support/child.ts';

function newFolder(): string {
  return join(mkdtempSync(join(tmpdir(), 'custody-lock-')), 'data');
}

const PROCESS = 'test/support/lock-process.ts';

function inUse(folder: string): unknown {
  return expect.objectContaining({
    code: 'state-damaged',
    message: `the data folder ${folder} is in use by another gateway`,
    hint: expect.stringContaining('--data-dir'),
  });
}

describe('lockFolder', () => {
  it('makes the folder, for its owner alone', () => {
    const folder = newFolder();
    lockFolder(folder).release();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('refuses a second holder in the same process, until it is released', () => {
    const folder = newFolder();
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrowError(inUse(folder));
    lock.release();
    lockFolder(folder).release();
  });

  it('refuses a second process, until the first is killed', async () => {
    const folder = newFolder();
    const first = startChild(PROCESS, folder);
    expect(await first.line()).toBe('locked');
    expect(() => lockFolder(folder)).toThrowError(inUse(folder));
    expect(() => lockFolder(folder)).toThrowError(inUse(folder));
    first.process.kill('SIGKILL');
    await first.gone;
    lockFolder(folder).release();
  });

  it('holds on while nobody keeps the result', async () => {
    const folder = newFolder();
    lockFolder(folder);
    await setImmediate();
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    await setImmediate();
    expect(() => lockFolder(folder)).toThrowError(inUse(folder));
  });

  it('does not call a folder in use that it only cannot lock', () => {
    const folder = newFolder();
    lockFolder(folder).release();
    writeFileSync(join(folder, 'gateway.lock'), 'not a lock'.repeat(1000));
    expect(() => lockFolder(folder)).toThrowError(
      expect.objectContaining({
        code: 'state-damaged',
        message: expect.stringContaining('cannot be locked'),
        hint: expect.stringContaining('can be removed'),
      }),
    );
    const file = join(newFolder(), '..', 'file');
    writeFileSync(file, '');
    expect(() => lockFolder(join(file, 'data'))).toThrowError(/cannot be locked/);
  });
});

describe('the processes of a gateway', () => {
  it('have a number each, which no other can have', () => {
    const folder = newFolder();
    const [one, two] = [lockProcess(folder, 1), lockProcess(folder, 2)];
    expect(() => lockProcess(folder, 1)).toThrowError(inUse(folder));
    for (const lock of [one, two]) lock.release();
    lockProcess(folder, 1).release();
  });

  it('are waited for by whoever takes the folder, for some time', async () => {
    const folder = newFolder();
    lockFolder(folder);
    await untilProcessesGone(folder, () => Promise.reject(new Error('there is nothing to wait for')));
    const locks = [lockProcess(folder, 1), lockProcess(folder, 12)];
    let pauses = 0;
    await untilProcessesGone(folder, async () => {
      pauses += 1;
      locks.shift()?.release();
    });
    expect([pauses, locks]).toEqual([2, []]);
    lockProcess(folder, 3);
    await expect(untilProcessesGone(folder, async () => undefined)).rejects.toEqual(inUse(folder));
  });
});
