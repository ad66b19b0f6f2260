import { constants, fdatasyncSync, writevSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a journal's files ask of the disk, call by call. Tests have one that fails. */
export interface JournalDisk {
  /** A new file for durable writes, which its folder names durably. Rejects where there is one. */
  create(path: string): Promise<FileHandle>;
  /** Writes at `at` from the beginning of the pieces on, and returns how much: that is durable. When it throws, any part may be there. */
  writeSync(file: FileHandle, pieces: readonly Uint8Array[], at: number): number;
  /** The same in the thread pool. */
  write(file: FileHandle, pieces: readonly Uint8Array[], at: number): Promise<number>;
  /** Writes zeros, durable when it returns, through a descriptor of its own: durable writes go on meanwhile. */
  zero(path: string, from: number, to: number): Promise<void>;
}

/** A durable write waits for no more of them than are copied in 0.1 ms. */
const ZEROS = Buffer.alloc(256 << 10);
/**
 * macOS leaves in the drive's cache what O_DSYNC wrote; its `fdatasync` is libuv's F_FULLFSYNC, which does not (libuv, src/unix/fs.c,
 * uv__fs_fsync). Windows has no such flag.
 */
const SYNCS_BY_FLAG = process.platform === 'linux';
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

export const journalDisk: JournalDisk = {
  create: async (path) => {
    const file = await open(path, SYNCS_BY_FLAG ? NEW | constants.O_DSYNC : NEW, 0o600);
    try {
      await syncFolder(dirname(path));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  },
  writeSync: ({ fd }, pieces, at) => {
    const written = writevSync(fd, pieces, at);
    if (!SYNCS_BY_FLAG) fdatasyncSync(fd);
    return written;
  },
  write: async (file, pieces, at) => {
    const { bytesWritten } = await file.writev(pieces, at);
    if (!SYNCS_BY_FLAG) await file.datasync();
    return bytesWritten;
  },
  zero: async (path, from, to) => {
    const file = await open(path, 'r+');
    try {
      for (let at = from; at < to; )
        at += (await file.write(ZEROS, 0, Math.min(ZEROS.length, to - at), at)).bytesWritten;
      await file.datasync();
    } finally {
      await file.close();
    }
  },
};

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
