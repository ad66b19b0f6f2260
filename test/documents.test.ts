import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .trim()
  .split('\n');
const TEXT = /\.(?:[mc]?[jt]s|json|md|yaml|yml|sh|py|go)$/;

it('documents that code and documents name are in the repository', () => {
  const present = new Set(files.map((name) => basename(name)));
  const missing = files
    .filter((name) => TEXT.test(name) && !name.startsWith('test/vectors/') && name !== 'package-lock.json')
    .flatMap((name) =>
      [...readFileSync(join(ROOT, name), 'utf8').matchAll(/\b([A-Z][A-Z-]+\.md)\b/g)]
        .filter(([, document]) => !present.has(document!))
        .map(([, document]) => `${name} names ${document}`),
    );
  expect(missing).toEqual([]);
});
