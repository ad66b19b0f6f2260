import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '#test/support/stacks.ts';

/** Reads the file when this process has no descriptor left, and says what came of it. */
const SCRIPT = `
  import { openSync } from 'node:fs';
  import { listFolder, readPlainFile } from '#adapters/local/plain-files.ts';
  const [folder] = process.argv.slice(1);
  const code = (work) => work.then(() => 'read', (error) => error.code);
  const before = await code(readPlainFile(folder + '/object', 10));
  try { for (;;) openSync('/dev/null', 'r'); } catch {}
  const after = [await code(readPlainFile(folder + '/object', 10)), await code(listFolder(folder))];
  process.stdout.write([before, ...after].join());
`;

it('does not take a file for damaged because the process has no descriptor left (security case 16)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-plain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'object'), 'whole');
  const node = [process.execPath, '--input-type=module', '-e', SCRIPT, folder];
  const said = execFileSync('bash', ['-c', 'ulimit -n 64; exec "$@"', 'bash', ...node], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(said).toBe('read,store-unavailable,store-unavailable');
});
