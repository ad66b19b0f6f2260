/** What a request needs to be allowed on paths, and whether it is, once the target has said where they lead. */
import { endsInSlash, isPlainPath, pathText, plainPath, splitPath } from './file-names.ts';
import type { FileRights, FileSide } from './file-rights.ts';
import { OpenFlag, type SftpRequest } from './sftp-requests.ts';

export interface PathNeed {
  readonly path: Uint8Array;
  /** The target follows a symbolic link that is the path's last name. */
  readonly follow: boolean;
  /** Empty: it is only looked at. */
  readonly sides: readonly FileSide[];
}

export interface Needs {
  readonly paths: readonly PathNeed[];
  /** What is at the first path comes to be at the second. */
  readonly moves: boolean;
  /** What a link says stays, wherever the link is moved: only what leads to one place alone may be said. */
  readonly plain: boolean;
}

const LOOKED_AT: readonly FileSide[] = [];
const WRITTEN: readonly FileSide[] = ['upload'];
const BOTH: readonly FileSide[] = ['upload', 'download'];

/** `undefined`: the request names no path, or none that is opened, changed or looked at. */
export function needsOf(request: SftpRequest): Needs | undefined {
  switch (request.kind) {
    case 'open':
      return one(request.path, true, openSides(request.flags));
    case 'stat':
    case 'opendir':
    case 'statvfs':
      return one(request.path, true, LOOKED_AT);
    case 'lstat':
      return one(request.path, endsInSlash(request.path) || isDots(request.path), LOOKED_AT);
    case 'readlink':
      return one(request.path, false, LOOKED_AT);
    case 'setstat':
      return one(request.path, true, WRITTEN);
    case 'lsetstat':
    case 'mkdir':
    case 'remove':
    case 'rmdir':
      return one(request.path, false, WRITTEN);
    case 'rename':
    case 'posix-rename':
    case 'hardlink':
      return { ...two(request, WRITTEN), moves: true, plain: false };
    case 'symlink':
      return { ...two(request, BOTH), moves: false, plain: true };
    default:
      return undefined;
  }
}

/** A handle that is not opened for writing reads (RFC draft section 6.3; OpenSSH opens it so). */
export function openSides(flags: number): FileSide[] {
  const changes = OpenFlag.write | OpenFlag.append | OpenFlag.create | OpenFlag.truncate | OpenFlag.exclusive;
  const reads = (flags & OpenFlag.read) !== 0 || (flags & OpenFlag.write) === 0;
  return [...(flags & changes ? (['upload'] as const) : []), ...(reads ? (['download'] as const) : [])];
}

/** What can be said without the paths: `undefined` when it depends on them. */
export function decidedWithoutPath(needs: Needs, rights: FileRights): boolean | undefined {
  const [download, upload] = [rights.level('download'), rights.level('upload')];
  const levels = new Set(
    needs.paths.flatMap(({ sides }) =>
      sides.length > 0 ? sides.map((side) => rights.level(side)) : [lookLevel(download, upload)],
    ),
  );
  if (levels.has('none')) return false;
  if (levels.has('some')) return undefined;
  return needs.moves && download === 'some' ? undefined : true;
}

/** `paths`: where the target says that they lead. `directory`: the first of them is one. */
export function allowed(
  needs: Needs,
  paths: readonly string[],
  directory: boolean,
  rights: FileRights,
): boolean {
  if (!paths.every(isPlainPath)) return false;
  if (needs.plain && !needs.paths.every(({ path }) => isPlainPath(pathText(path) ?? ''))) return false;
  const each = needs.paths.every(({ sides }, at) =>
    sides.length === 0 ? rights.shows(paths[at]!) : sides.every((side) => rights.allows(side, paths[at]!)),
  );
  return each && (!needs.moves || mayMove(paths[0]!, paths[1]!, directory, rights));
}

/** What moves to where it can be read could be read before; a directory takes all that is in it along. */
function mayMove(from: string, to: string, directory: boolean, rights: FileRights): boolean {
  if (!directory) return !rights.allows('download', to) || rights.allows('download', from);
  if (!rights.allowsTree('upload', from) || !rights.allowsTree('upload', to)) return false;
  return !rights.allowsSome('download', to) || rights.allowsTree('download', from);
}

/** The path that the target is asked about; `undefined` when no answer could tell for certain where the request leads. */
export function questionOf({ path, follow }: PathNeed): Uint8Array | undefined {
  if (pathText(path) === undefined) return undefined;
  return follow ? path : splitPath(path)?.parent;
}

/** Where it leads, after the answer to `questionOf`. */
export function resolvedPath({ path, follow }: PathNeed, answer: Uint8Array): string | undefined {
  const text = pathText(answer);
  const name = follow ? undefined : splitPath(path)?.name;
  if (text === undefined || name === undefined) return text;
  return `${text === '/' ? '' : text}/${pathText(name) ?? ''}`;
}

/**
 * Whether the target may be asked where a path leads, or told that it is not there: nobody should learn in this way what is where
 * they may not look. What is relative begins at the login's own directory, whose name the client may know.
 */
export function mayResolve(path: Uint8Array, rights: FileRights): boolean {
  if (path.length === 0) return true;
  const text = pathText(path);
  if (text === undefined) return false;
  const home = text === '~' || text.startsWith('~/') ? text.slice(1) : text;
  const plain = plainPath(text);
  if (plain !== undefined) return rights.shows(plain);
  return !text.startsWith('~') || home !== text ? !home.split('/').includes('..') : false;
}

function lookLevel(download: string, upload: string): 'all' | 'none' | 'some' {
  if (download === 'all' || upload === 'all') return 'all';
  return download === 'none' && upload === 'none' ? 'none' : 'some';
}

function one(path: Uint8Array, follow: boolean, sides: readonly FileSide[]): Needs {
  return { paths: [{ path, follow, sides }], moves: false, plain: false };
}

function two(
  { from, to }: { from: Uint8Array; to: Uint8Array },
  sides: readonly FileSide[],
): { paths: PathNeed[] } {
  return {
    paths: [
      { path: from, follow: false, sides },
      { path: to, follow: false, sides },
    ],
  };
}

function isDots(path: Uint8Array): boolean {
  return path.length > 0 && splitPath(path) === undefined;
}
