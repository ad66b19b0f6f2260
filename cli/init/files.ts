import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CustodyError } from '#core/errors.ts';

/** Texts by their paths in a folder. */
export type FileTexts = Readonly<Record<string, string>>;

/** Throws where one of them is there already, and nobody said to replace it. */
export function refuseExisting(folder: string, names: readonly string[], force: boolean): void {
  const there = names.filter((name) => existsSync(join(folder, name)));
  if (there.length === 0 || force) return;
  throw new CustodyError('config-invalid', `${there.join(', ')} in ${folder}: there already`, {
    hint: 'give another folder with --out, or --force to replace what is there',
  });
}

/** Each is whole, or not there. */
export function writeFiles(folder: string, files: FileTexts): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, text, { flag: 'wx' });
    renameSync(`${path}.new`, path);
  }
}
