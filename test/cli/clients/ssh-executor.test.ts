import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Target } from '#cli/api-shapes.ts';
import { sshExecutor } from '#cli/clients/ssh-executor.ts';
import { temporary } from '../support.ts';

let folder: string;
beforeEach(() => {
  folder = temporary();
  mkdirSync(join(folder, 'bin'));
  const ssh = join(folder, 'bin', 'ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\necho "$*" >> "${join(folder, 'said')}"\ncase "$*" in *false) exit 3;; esac\n`,
  );
  chmodSync(ssh, 0o700);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('runs all commands over one connection, as they are one session, and ends it', async () => {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}` };
  const executor = sshExecutor({ env }, '/config', { name: 'web-1' } as Target, true);
  expect(await executor.run({ command: 'true' })).toEqual({ exitCode: 0 });
  expect(await executor.run({ command: 'false' })).toEqual({ exitCode: 3 });
  await executor.end();
  const lines = readFileSync(join(folder, 'said'), 'utf8').trimEnd().split('\n');
  const [path] = /ControlPath=\S+/.exec(lines[0]!)!;
  const shared = `-F /config -o ${path}`;
  const asked = `${shared} -o ControlMaster=auto -o ControlPersist=yes -T web-1 --`;
  expect(lines).toEqual([`${asked} true`, `${asked} false`, `${shared} -O exit web-1`]);
});
