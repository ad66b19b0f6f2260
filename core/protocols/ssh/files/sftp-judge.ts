/** What becomes of a request, as far as it can be said before the target is asked. */
import { pathWords } from './file-names.ts';
import type { FileRights, FileSide } from './file-rights.ts';
import { SftpStatus } from './sftp-answers.ts';
import { OpenFile, type SftpFiles } from './sftp-files.ts';
import { decidedWithoutPath, mayResolve, type Needs, needsOf, openSides, questionOf } from './sftp-needs.ts';
import type { SftpRequest } from './sftp-requests.ts';

export type Refusal = { readonly kind: 'refuse'; readonly code: number; readonly words: string };
export type Verdict = { readonly kind: 'pass' } | Refusal | { readonly kind: 'ask'; readonly needs: Needs };

const PASS: Verdict = { kind: 'pass' };

/** `most`: files that may be open at once. */
export function judge(request: SftpRequest, rights: FileRights, files: SftpFiles, most: number): Verdict {
  switch (request.kind) {
    case 'unknown':
      return refusal(SftpStatus.unsupported, `the gateway does not know ${request.name}`);
    case 'realpath':
    case 'expand-path':
      return rights.pathless || mayResolve(request.path, rights) ? PASS : refused(request);
    case 'open':
    case 'opendir':
      if (files.size >= most) return refusal(SftpStatus.failure, 'the gateway keeps no more files open');
      return byPath(request, rights);
    case 'close':
    case 'fstat':
    case 'readdir':
    case 'fsync':
    case 'fstatvfs':
      return byHandle(files.find(request.handle), undefined);
    case 'read':
      return byHandle(files.find(request.handle), 'download');
    case 'write':
    case 'fsetstat':
      return byHandle(files.find(request.handle), 'upload');
    case 'copy-data': {
      const source = byHandle(files.find(request.handle), 'download');
      return source.kind === 'pass' ? byHandle(files.find(request.to), 'upload') : source;
    }
    default:
      return byPath(request, rights);
  }
}

export function refused(request: SftpRequest): Refusal {
  const words = `${request.kind} is not allowed by the rule of this session: ${namedPaths(request).join(', ')}`;
  return refusal(SftpStatus.permissionDenied, words);
}

export function refusal(code: number, words: string): Refusal {
  return { kind: 'refuse', code, words: `custody: ${words}` };
}

/** For people. */
export function namedPaths(request: SftpRequest): string[] {
  if ('path' in request) return [pathWords(request.path)];
  return 'from' in request ? [request.from, request.to].map(pathWords) : [];
}

/** The files that a request which passes is about: the one that it opens, or those that its handles stand for. */
export function filesOf(request: SftpRequest, files: SftpFiles, resolved: string | undefined): OpenFile[] {
  if (request.kind === 'open' || request.kind === 'opendir') {
    const directory = request.kind === 'opendir';
    const sides = request.kind === 'open' ? openSides(request.flags) : [];
    return [new OpenFile({ path: pathWords(request.path), resolved, sides, directory })];
  }
  const handles = request.kind === 'copy-data' ? [request.handle, request.to] : handleOf(request);
  return handles.flatMap((handle) => files.find(handle) ?? []);
}

function handleOf(request: SftpRequest): Uint8Array[] {
  return 'handle' in request ? [request.handle] : [];
}

function byHandle(file: OpenFile | undefined, side: FileSide | undefined): Verdict {
  if (file === undefined) return refusal(SftpStatus.failure, 'no file is open by this handle');
  if (side === undefined || file.sides.includes(side)) return PASS;
  return refusal(SftpStatus.permissionDenied, `${file.path} is not open for this`);
}

function byPath(request: SftpRequest, rights: FileRights): Verdict {
  const needs = needsOf(request);
  if (needs === undefined) return PASS;
  const decided = decidedWithoutPath(needs, rights);
  if (decided !== undefined) return decided ? PASS : refused(request);
  return needs.paths.some((need) => questionOf(need) === undefined)
    ? refused(request)
    : { kind: 'ask', needs };
}
