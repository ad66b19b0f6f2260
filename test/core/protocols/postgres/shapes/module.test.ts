import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const SCRIPT = `
  import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
  const parser = await Parser.load();
  for (let n = 0; n < 500; n += 1) parser.parse(\`SELECT a FROM t WHERE b = \${n}\`);
  console.log('parsed');
`;

it('never has V8 compile the parser anew, which takes 600 MB at once', async () => {
  // What is compiled anew is so before the call returns, and is told with what it took.
  const flags = ['--wasm-sync-tier-up', '--trace-wasm-compilation-times'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...flags,
    '--input-type=module',
    '--eval',
    SCRIPT,
  ]);
  const made = [...stdout.matchAll(/^Compiled function .* and (\d+) (?:\/ \d+ max\/total )?bytes/gm)];
  expect(stdout).toContain('parsed');
  expect(made.length).toBeGreaterThan(10);
  expect(Math.max(...made.map(([, bytes]) => Number(bytes)))).toBeLessThan(64 << 20);
});
