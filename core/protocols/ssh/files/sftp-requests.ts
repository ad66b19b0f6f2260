/** What a client asks by SFTP version 3, and OpenSSH's extensions of it (its PROTOCOL, section 4). */
import { SshReader, violation } from '../wire.ts';
import { readAttributes, readPosition, type SftpAttributes } from './sftp-attributes.ts';
import { HANDLE_MAX, Sftp } from './sftp-stream.ts';

/** Section 6.3: what OPEN is for. */
export const OpenFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

interface OfPath<Kind extends string> {
  readonly kind: Kind;
  readonly id: number;
  readonly path: Uint8Array;
}
interface OfHandle<Kind extends string> {
  readonly kind: Kind;
  readonly id: number;
  readonly handle: Uint8Array;
}
interface OfTwo<Kind extends string> {
  readonly kind: Kind;
  readonly id: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** Paths and handles are views of the message. */
export type SftpRequest =
  | { readonly kind: 'init'; readonly version: number }
  | (OfPath<'open'> & { readonly flags: number; readonly attributes: SftpAttributes })
  | OfPath<'lstat' | 'stat' | 'opendir' | 'remove' | 'rmdir' | 'realpath' | 'readlink'>
  | OfPath<'statvfs' | 'expand-path'>
  | (OfPath<'setstat' | 'lsetstat' | 'mkdir'> & { readonly attributes: SftpAttributes })
  | OfHandle<'close' | 'fstat' | 'readdir' | 'fsync' | 'fstatvfs'>
  | (OfHandle<'fsetstat'> & { readonly attributes: SftpAttributes })
  | (OfHandle<'read' | 'write'> & { readonly offset: number; readonly length: number })
  /** Of symlink: OpenSSH's servers have `from` as what the link says, the draft has it as the link. */
  | OfTwo<'rename' | 'posix-rename' | 'hardlink' | 'symlink'>
  | {
      readonly kind: 'copy-data';
      readonly id: number;
      readonly handle: Uint8Array;
      readonly offset: number;
      /** 0: to the end. */
      readonly length: number;
      readonly to: Uint8Array;
      readonly toOffset: number;
    }
  /** They name no file. */
  | { readonly kind: 'limits' | 'home-directory' | 'users-groups'; readonly id: number }
  | { readonly kind: 'unknown'; readonly id: number; readonly name: string };

export type SftpRequestKind = SftpRequest['kind'];

const BY_PATH: ReadonlyMap<number, Extract<SftpRequest, OfPath<string>>['kind']> = new Map([
  [Sftp.lstat, 'lstat'],
  [Sftp.stat, 'stat'],
  [Sftp.opendir, 'opendir'],
  [Sftp.remove, 'remove'],
  [Sftp.rmdir, 'rmdir'],
  [Sftp.realpath, 'realpath'],
  [Sftp.readlink, 'readlink'],
] as const);

/** `message`: with its length; of a WRITE as far as its content. */
export function readRequest(message: Uint8Array): SftpRequest {
  const reader = new SshReader(message, 4);
  const type = reader.byte();
  if (type === Sftp.init) return { kind: 'init', version: reader.uint32() };
  const request = fields(type, reader.uint32(), reader);
  if (request.kind !== 'unknown') reader.end();
  return request;
}

function fields(type: number, id: number, reader: SshReader): SftpRequest {
  switch (type) {
    case Sftp.open:
      return {
        kind: 'open',
        id,
        path: reader.string(),
        flags: reader.uint32(),
        attributes: readAttributes(reader),
      };
    case Sftp.close:
    case Sftp.fstat:
    case Sftp.readdir:
      return { kind: handleKind(type), id, handle: reader.string(HANDLE_MAX) };
    case Sftp.read:
    case Sftp.write:
      return { kind: type === Sftp.read ? 'read' : 'write', id, ...place(reader), length: reader.uint32() };
    case Sftp.setstat:
    case Sftp.mkdir:
      return {
        kind: type === Sftp.mkdir ? 'mkdir' : 'setstat',
        id,
        path: reader.string(),
        attributes: readAttributes(reader),
      };
    case Sftp.fsetstat:
      return {
        kind: 'fsetstat',
        id,
        handle: reader.string(HANDLE_MAX),
        attributes: readAttributes(reader),
      };
    case Sftp.rename:
    case Sftp.symlink:
      return { kind: type === Sftp.rename ? 'rename' : 'symlink', id, ...twoPaths(reader) };
    case Sftp.extended:
      return extended(id, latin1(reader.string()), reader);
    default:
      return byPath(type, id, reader);
  }
}

function byPath(type: number, id: number, reader: SshReader): SftpRequest {
  const kind = BY_PATH.get(type);
  if (kind === undefined) return { kind: 'unknown', id, name: `message ${type}` };
  return { kind, id, path: reader.string() } as SftpRequest;
}

function extended(id: number, name: string, reader: SshReader): SftpRequest {
  switch (name) {
    case 'posix-rename@openssh.com':
      return { kind: 'posix-rename', id, ...twoPaths(reader) };
    case 'hardlink@openssh.com':
      return { kind: 'hardlink', id, ...twoPaths(reader) };
    case 'statvfs@openssh.com':
      return { kind: 'statvfs', id, path: reader.string() };
    case 'fstatvfs@openssh.com':
      return { kind: 'fstatvfs', id, handle: reader.string(HANDLE_MAX) };
    case 'fsync@openssh.com':
      return { kind: 'fsync', id, handle: reader.string(HANDLE_MAX) };
    case 'lsetstat@openssh.com':
      return { kind: 'lsetstat', id, path: reader.string(), attributes: readAttributes(reader) };
    case 'expand-path@openssh.com':
      return { kind: 'expand-path', id, path: reader.string() };
    case 'copy-data':
      return copyData(id, reader);
    case 'limits@openssh.com':
      return { kind: 'limits', id };
    case 'home-directory':
      reader.string();
      return { kind: 'home-directory', id };
    case 'users-groups-by-id@openssh.com':
      reader.string();
      reader.string();
      return { kind: 'users-groups', id };
    default:
      return { kind: 'unknown', id, name };
  }
}

function copyData(id: number, reader: SshReader): SftpRequest {
  const from = place(reader);
  const length = readPosition(reader);
  const to = place(reader);
  return { kind: 'copy-data', id, ...from, length, to: to.handle, toOffset: to.offset };
}

function place(reader: SshReader): { handle: Uint8Array; offset: number } {
  return { handle: reader.string(HANDLE_MAX), offset: readPosition(reader) };
}

function twoPaths(reader: SshReader): { from: Uint8Array; to: Uint8Array } {
  return { from: reader.string(), to: reader.string() };
}

function handleKind(type: number): 'close' | 'fstat' | 'readdir' {
  if (type === Sftp.close) return 'close';
  if (type === Sftp.fstat) return 'fstat';
  if (type === Sftp.readdir) return 'readdir';
  throw violation('an SFTP message of another kind');
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
