/** File attributes (draft-ietf-secsh-filexfer-02 section 5). */
import type { SshReader } from '../wire.ts';
import { violation } from '../wire.ts';

const SIZE = 1;
const OWNER = 2;
const PERMISSIONS = 4;
const TIMES = 8;
const EXTENDED = 0x8000_0000;
const TYPE_MASK = 0o170000;
const DIRECTORY = 0o040000;

export interface SftpAttributes {
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** With the file's type, as stat(2) has it. */
  readonly mode?: number;
  /** Seconds since 1970. */
  readonly accessed?: number;
  readonly modified?: number;
}

export function readAttributes(reader: SshReader): SftpAttributes {
  const flags = reader.uint32();
  const size = flags & SIZE ? { size: readPosition(reader) } : {};
  const owner = flags & OWNER ? { uid: reader.uint32(), gid: reader.uint32() } : {};
  const mode = flags & PERMISSIONS ? { mode: reader.uint32() } : {};
  const times = flags & TIMES ? { accessed: reader.uint32(), modified: reader.uint32() } : {};
  if (flags & EXTENDED) skipExtended(reader);
  return { ...size, ...owner, ...mode, ...times };
}

/** An offset or a size: no file reaches 2^53 bytes. */
export function readPosition(reader: SshReader): number {
  const value = reader.uint64();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw violation('a position in a file is beyond 2^53');
  return Number(value);
}

export function isDirectory({ mode }: SftpAttributes): boolean {
  return mode !== undefined && (mode & TYPE_MASK) === DIRECTORY;
}

function skipExtended(reader: SshReader): void {
  for (let left = reader.uint32(); left > 0; left -= 1) {
    reader.string();
    reader.string();
  }
}
