/** The gateway's SSH host key of a data folder: `ssh/host_ed25519`, and beside it what the API tells of it. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { type HostKeys, hostKeyFrom, newHostKey, type ToldHostKeys } from '#core/protocols/ssh/host-keys.ts';
import type { SshPrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import { isDisksFault, unreadable } from '../unreadable.ts';

const FOLDER = 'ssh';
const PRIVATE = 'host_ed25519';
const PUBLIC = 'host_keys.pub';

/** Throws nothing yet: `load` and `told` reject with `state-damaged`, and `store-unavailable` where the disk fails. */
export function localHostKeys(dataDir: string): HostKeys & ToldHostKeys {
  const folder = join(dataDir, FOLDER);
  return {
    load: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return [loadKey(join(folder, PRIVATE))];
    },
    tell: async (lines) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      replace(join(folder, PUBLIC), lines.map((line) => `${line}\n`).join(''));
    },
    told: async () => readLines(join(folder, PUBLIC)),
  };
}

function loadKey(path: string): SshPrivateKey {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) make(path);
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      throw new CustodyError('config-invalid', 'may be read by others', { hint: `run: chmod 600 ${path}` });
    return hostKeyFrom(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (isDisksFault(cause)) throw unreadable('the host key', path, cause);
    throw damaged(path, cause);
  }
}

/** Whole or not at all; where another process was quicker, its key is the one. */
function make(path: string): void {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, newHostKey(), { flag: 'wx', mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o644 });
  renameSync(draft, path);
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (cause) {
    if (isDisksFault(cause)) throw unreadable('the file', path, cause);
    return [];
  }
}

function damaged(path: string, cause: unknown): CustodyError {
  const { message, hint } = cause instanceof CustodyError ? cause : { message: 'cannot be read' };
  const anew = 'restore it; with a new key, every client has to be told: it would look like an attack';
  return new CustodyError('state-damaged', `the host key ${path} ${message}`, { hint: hint ?? anew, cause });
}
