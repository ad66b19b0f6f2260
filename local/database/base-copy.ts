/**
 * The copy of the demo database that sandboxes begin with. It is taken while no server runs; what was written since is in the
 * server's WAL, which is kept for as long as KEPT_WAL says. https://www.postgresql.org/docs/current/continuous-archiving.html
 */
import { execFile, spawn } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CustodyError } from '#core/errors.ts';
import { firstSegment, readControlFile } from './control-file.ts';
import type { Owner } from './owner.ts';

const run = promisify(execFile);

/** `wal_keep_size`: what the disk holds at most, and how much may be written before sandboxes need a new copy. */
export const KEPT_WAL = '1GB';
/** With more WAL than that to go through, a sandbox takes too long: then the next start takes a new copy. */
const TOO_MUCH_WAL = 256n << 20n;
/** Not copied: WAL comes from the server itself, and the rest is of a server that runs. */
const LEFT_OUT = ['pg_wal', 'postmaster.pid', 'postmaster.opts'];

export interface BaseCopy {
  readonly data: string;
  /** No earlier state can be had. */
  readonly takenAt: Date;
}

/** Takes one where there is none, or the one there is has become too old. No server may run on `folder/data`. */
export async function takeBaseCopy(folder: string, bin: string, owner: Owner, now: Date): Promise<void> {
  const data = join(folder, 'data');
  if (!isOutdated(folder, data)) return;
  if (!readControlFile(data).isShutDown) await recover(bin, data, owner);
  const building = join(folder, 'base.building');
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { mode: 0o700 });
  give(owner, building);
  await copyData(data, join(building, 'data'), owner);
  writeFileSync(join(building, 'taken-at'), now.toISOString());
  rmSync(join(folder, 'base'), { recursive: true, force: true });
  renameSync(building, join(folder, 'base'));
}

/** Undefined where none could be taken. */
export function baseCopyOf(folder: string): BaseCopy | undefined {
  const data = join(folder, 'base', 'data');
  if (!existsSync(data)) return undefined;
  return { data, takenAt: new Date(readFileSync(join(folder, 'base', 'taken-at'), 'utf8')) };
}

/** True while the WAL since the copy is all there. */
export function isReachable({ data: base }: BaseCopy, data: string): boolean {
  return existsSync(join(data, 'pg_wal', firstSegment(readControlFile(base))));
}

function isOutdated(folder: string, data: string): boolean {
  const base = baseCopyOf(folder);
  if (base === undefined || !isReachable(base, data)) return true;
  return readControlFile(data).redo - readControlFile(base.data).redo > TOO_MUCH_WAL;
}

/** All but WAL, as the server's own user, so that files stay theirs. */
export async function copyData(from: string, to: string, owner: Owner): Promise<void> {
  mkdirSync(to, { mode: 0o700 });
  mkdirSync(join(to, 'pg_wal', 'archive_status'), { recursive: true, mode: 0o700 });
  mkdirSync(join(to, 'pg_wal', 'summaries'), { mode: 0o700 });
  give(owner, to, join(to, 'pg_wal'), join(to, 'pg_wal', 'archive_status'), join(to, 'pg_wal', 'summaries'));
  const parts = readdirSync(from).filter((name) => !LEFT_OUT.includes(name));
  await run('cp', ['-a', '--reflink=auto', '--', ...parts.map((name) => join(from, name)), to], {
    ...owner,
    cwd: '/',
  });
}

/** Of a server that was killed: single-user mode recovers, and shuts down in order. */
function recover(bin: string, data: string, owner: Owner): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(join(bin, 'postgres'), ['--single', '-D', data, 'postgres'], {
      ...owner,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    child.on('error', failed);
    child.on('close', (code) => {
      if (code === 0) done();
      else failed(new CustodyError('state-damaged', `the demo database could not be recovered (${code})`));
    });
  });
}

function give({ uid, gid }: Owner, ...paths: readonly string[]): void {
  for (const path of paths) if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}
