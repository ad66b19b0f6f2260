import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './local-gateway.ts';

/** A folder whose disk can be filled under one process. */
export interface SmallDisk {
  readonly dataDir: string;
  /** Again, too, when something was removed meanwhile. */
  fill(pid: number): void;
  makeSpace(pid: number): void;
  /** What a process is started under while the disk is full. */
  readonly under: readonly string[];
  remove(): void;
}

/** No file can grow: EFBIG instead of ENOSPC, and otherwise as a full disk is, torn writes too. Needs no privilege. */
export function limitedFiles(): SmallDisk {
  const parent = temporaryFolder();
  const limit = (pid: number, bytes: string): void => {
    if (isRunning(pid)) execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  };
  return {
    dataDir: join(parent, 'data'),
    fill: (pid) => limit(pid, '0'),
    makeSpace: (pid) => limit(pid, 'unlimited'),
    under: ['prlimit', '--fsize=0:unlimited'],
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const SIZE = 24 << 20;

/** A real file system that is full: ENOSPC. Whoever may not mount has none. */
export function smallFileSystem(): SmallDisk {
  const parent = temporaryFolder();
  const dataDir = join(parent, 'data');
  const ballast = join(dataDir, 'ballast');
  mkdirSync(dataDir, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'custody-test', dataDir], {
    stdio: 'ignore',
  });
  return {
    dataDir,
    fill: () => fillWith(ballast),
    makeSpace: () => rmSync(ballast),
    under: [],
    remove: () => {
      execFileSync('umount', [dataDir]);
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

function fillWith(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(SIZE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
    throw error;
  }
  throw new Error(`${file} did not fill its disk`);
}

export function canMount(): boolean {
  try {
    smallFileSystem().remove();
    return true;
  } catch {
    process.stderr.write('LEFT OUT: a file system that is full, as this user may not mount one\n');
    return false;
  }
}
