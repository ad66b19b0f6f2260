/** What a step says of a request, before its answer is known. */
import type { SftpAttributes } from '#core/protocols/ssh/files/sftp-attributes.ts';
import { openSides } from '#core/protocols/ssh/files/sftp-needs.ts';
import type { SftpRequest } from '#core/protocols/ssh/files/sftp-requests.ts';
import type { Shown } from '../../step.ts';
import type { FileOperation, ShownFile } from './file-step.ts';
import { Transfer, type Transfers } from './sftp-transfers.ts';
import { shownBytes, shownText } from './shown.ts';

/** When there is a step of the request itself. */
type When =
  /** Always: it changes what is at the target. */
  | 'always'
  /** Where it is not done: if it is, what comes of it has a step. */
  | 'failed'
  /** Where the gateway would not: it changes nothing. */
  | 'denied';

export interface Asked {
  readonly when: When;
  readonly file: ShownFile;
}

/** `undefined`: of no file. */
export function askedBy(request: SftpRequest, transfers: Transfers, limit: number): Asked | undefined {
  const by = 'sftp';
  const shown = (bytes: Uint8Array): Shown => shownBytes(bytes, limit);
  switch (request.kind) {
    case 'open': {
      const upload = openSides(request.flags).includes('upload');
      const direction = upload ? 'upload' : 'download';
      return failed({ by, operation: upload ? 'write' : 'read', path: shown(request.path), direction });
    }
    case 'opendir':
      return failed({ by, operation: 'list', path: shown(request.path) });
    case 'remove':
    case 'rmdir':
      return always({ by, operation: request.kind, path: shown(request.path) });
    case 'mkdir':
      return always({ by, operation: 'mkdir', path: shown(request.path), ...modeOf(request.attributes) });
    case 'setstat':
    case 'lsetstat':
      return always({ by, operation: 'setstat', path: shown(request.path), ...changes(request.attributes) });
    case 'fsetstat':
      return always({
        by,
        operation: 'setstat',
        path: ofHandle(request.handle),
        ...changes(request.attributes),
      });
    case 'rename':
    case 'posix-rename':
    case 'hardlink':
    case 'symlink': {
      const operation = request.kind === 'posix-rename' ? 'rename' : request.kind;
      return always({ by, operation, path: shown(request.from), newPath: shown(request.to) });
    }
    case 'copy-data':
      return always({ by, operation: 'copy', path: ofHandle(request.handle), newPath: ofHandle(request.to) });
    case 'unknown':
      return always({ by, operation: 'unknown', path: shownText(request.name, limit) });
    case 'stat':
    case 'lstat':
    case 'statvfs':
    case 'readlink':
    case 'realpath':
    case 'expand-path':
      return denied('look', shown(request.path));
    case 'read':
    case 'write':
      return denied(request.kind, ofHandle(request.handle));
    case 'close':
    case 'fstat':
    case 'readdir':
    case 'fsync':
    case 'fstatvfs':
    case 'init':
    case 'limits':
    case 'home-directory':
    case 'users-groups':
      return undefined;
  }

  function ofHandle(handle: Uint8Array): Shown {
    return transfers.find(handle)?.path ?? shownText('');
  }
}

/** The file or directory that a request opens. */
export function opened(request: SftpRequest, at: number, limit: number): Transfer | undefined {
  if (request.kind === 'opendir') return Transfer.directory(shownBytes(request.path, limit), at);
  if (request.kind !== 'open') return undefined;
  return Transfer.file(shownBytes(request.path, limit), at, request.flags, request.attributes.mode);
}

function always(file: ShownFile): Asked {
  return { when: 'always', file };
}

function failed(file: ShownFile): Asked {
  return { when: 'failed', file };
}

function denied(operation: FileOperation, path: Shown): Asked {
  return { when: 'denied', file: { by: 'sftp', operation, path } };
}

function changes(attributes: SftpAttributes): Partial<ShownFile> {
  const { size, uid, gid, modified } = attributes;
  return {
    ...modeOf(attributes),
    ...(size === undefined ? {} : { size }),
    ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
    ...(modified === undefined ? {} : { modified }),
  };
}

function modeOf({ mode }: SftpAttributes): Partial<ShownFile> {
  return mode === undefined ? {} : { mode: mode & 0o7777 };
}
