import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CustodyError } from '#core/errors.ts';

/** The CLI's own state: one folder for one gateway. */
export interface Home {
  readonly folder: string;
  path(name: string): string;
  /** The file's text; undefined when there is none. Throws `state-damaged` when others may read a secret. */
  read(name: string, kind?: 'secret' | 'public'): string | undefined;
  /** Replaces the file in one step; for the owner alone from its first byte. */
  write(name: string, text: string): void;
  /** Makes the folder, for what another program writes there. */
  makeFolder(): void;
  /** One of its files takes the place of another in one step. */
  rename(name: string, to: string): void;
  remove(name: string): void;
}

/** CUSTODY_HOME, else XDG_CONFIG_HOME/custody, else ~/.config/custody (XDG Base Directory Specification). */
export function openHome(env: Readonly<Record<string, string | undefined>>): Home {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  const folder = resolve(env['CUSTODY_HOME'] || join(config, 'custody'));
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    path,
    read: (name, kind = 'public') => readIn(path(name), kind),
    write: (name, text) => writeIn(folder, path(name), text),
    makeFolder: () => makePrivate(folder),
    rename: (name, to) => renameSync(path(name), path(to)),
    remove: (name) => rmSync(path(name), { force: true }),
  };
}

function readIn(path: string, kind: 'secret' | 'public'): string | undefined {
  try {
    if (kind === 'secret') refuseOthers(path);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A login that somebody else put there would be somebody else's. */
function refuseOthers(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0) throw openToOthers(path);
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new CustodyError('state-damaged', `${path} belongs to somebody else`, {
      hint: `remove it, and log in again; with sudo: give CUSTODY_HOME a folder of that user`,
    });
}

function writeIn(folder: string, path: string, text: string): void {
  makePrivate(folder);
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
  renameSync(draft, path);
}

/** Makes the folder, owner-only; one that others may enter is closed to them. */
export function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function openToOthers(path: string): CustodyError {
  return new CustodyError('state-damaged', `${path} holds tokens, and others may read it`, {
    hint: `run: chmod 600 ${path} (and log in again if others could have read it)`,
  });
}
