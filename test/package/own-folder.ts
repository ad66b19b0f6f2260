/** A folder of somebody who has the package, and no clone. */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '#test/support/stacks.ts';

/** What npm would bring for a stack, from the registry: the package's dependencies and peers. */
const BROUGHT = ['zod', 'aws-cdk-lib', 'constructs', '@aws-cdk', '@types/node', 'undici-types'];

export interface OwnFolder extends Disposable {
  readonly path: string;
  /** Where the package is. */
  readonly installed: string;
}

/** `tarball` is installed there, as npm does it; what it depends on has the same inodes as the clone's. */
export function ownFolder(tarball: string): OwnFolder {
  const path = mkdtempSync(join(tmpdir(), 'own-folder-'));
  const installed = join(path, 'node_modules', 'custody');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', installed]);
  for (const name of BROUGHT) {
    const to = join(path, 'node_modules', name);
    mkdirSync(dirname(to), { recursive: true });
    execFileSync('cp', ['-al', join(ROOT, 'node_modules', name), to]);
  }
  writeFileSync(join(path, 'package.json'), '{"private":true,"type":"module"}');
  cpSync(join(installed, 'cdk', 'example'), join(path, 'custody-config'), { recursive: true });
  return { path, installed, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The clone's sources, and nothing that was made of them, in another folder. */
export function otherClone(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'other-clone-'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => name !== '' && !name.startsWith('test/')))
    cpSync(join(ROOT, file), join(path, file));
  execFileSync('cp', ['-al', join(ROOT, 'node_modules'), join(path, 'node_modules')]);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Names of the files in a folder whose text has `words` in it. */
export function filesWith(words: string, folder: string): string[] {
  const files = globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.filter((file) => readFileSync(file, 'latin1').includes(words));
}
