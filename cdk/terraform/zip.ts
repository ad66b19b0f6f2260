import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type Zippable, zipSync } from 'fflate';

/** As the fields of the archive have it, whatever zone the machine is in. */
const EARLIEST = new Date(1980, 0, 1);
const UNIX = 3;
/** Whoever runs it may read it, and enter folders. */
const READABLE = 0o100755 << 16;

/** The same bytes for the same files, wherever and whenever. */
export function zipped(folder: string): Uint8Array {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const named: [string, Zippable[string]][] = files
    .sort()
    .map((file) => [
      file.slice(folder.length + 1).replaceAll(sep, '/'),
      [readFileSync(file), { mtime: EARLIEST, os: UNIX, attrs: READABLE }],
    ]);
  return zipSync(Object.fromEntries(named));
}
