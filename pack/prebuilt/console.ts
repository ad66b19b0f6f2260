/** The console as it was built for the package, in place of console/build/build.ts: whoever uses the package has no bundler. */
import { readFile } from 'node:fs/promises';
import type { ConsoleFile } from '../../console/build/build.ts';

const DIST = new URL('../../dist/', import.meta.url);

export async function buildConsole(): Promise<{ readonly files: readonly ConsoleFile[] }> {
  const listed = JSON.parse(
    await readFile(new URL('lambdas/console/site/files.json', DIST), 'utf8'),
  ) as readonly Omit<ConsoleFile, 'bytes'>[];
  const files = listed.map(async ({ path, type, isImmutable }) => ({
    ...{ path, type, isImmutable },
    bytes: await readFile(new URL(`console${path}`, DIST)),
  }));
  return { files: await Promise.all(files) };
}
