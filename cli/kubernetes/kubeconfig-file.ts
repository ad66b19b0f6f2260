/** A person's kubeconfig: found as kubectl finds it, and changed so that nothing of it is lost. */
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';

export const BACKUP = '.before-custody';

/**
 * Where kubectl would put a new entry: the only file of KUBECONFIG, else the first of them that is there, else the last; without
 * KUBECONFIG ~/.kube/config. A file that has entries of ours already (`isOurs`) goes before: of one name the first file counts.
 */
export function personsKubeconfig({ env }: Pick<Cli, 'env'>, isOurs: (text: string) => boolean): string {
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length === 0) return join(env['HOME'] || homedir(), '.kube', 'config');
  const there = named.filter((file) => existsSync(file));
  return there.find((file) => isOurs(readFileSync(file, 'utf8'))) ?? there[0] ?? named.at(-1)!;
}

/**
 * Replaces the file by what `change` makes of its text, in one step; what it was is beside it then, under `BACKUP`. A link stays
 * one. False where nothing changed. Throws `conflict` while another program writes it: the lock is that of kubectl.
 */
export function changeKubeconfig(path: string, change: (text: string) => string): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = existsSync(path) ? realpathSync(path) : path;
  const lock = `${path}.lock`;
  takeLock(lock, path);
  try {
    const was = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    const text = change(was ?? '');
    if (text === was) return false;
    if (was !== undefined) replace(`${file}${BACKUP}`, was, file);
    replace(file, text, file);
    return true;
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string, path: string): void {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CustodyError('conflict', `another program is changing ${path}`, {
      hint: `try again; if none is, one was cut off: rm ${lock}`,
      cause,
    });
  }
}

/** Such files hold keys and tokens of other clusters: they are the owner's alone, whoever it is that runs this. */
function replace(file: string, text: string, like: string): void {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
  if (process.getuid?.() === 0 && existsSync(like)) {
    const { uid, gid } = statSync(like);
    chownSync(draft, uid, gid);
  }
  renameSync(draft, file);
}
