/** What steps say of files and repositories. */
import type { Shown } from '../../step.ts';

export type FileOperation =
  /** Content of one file, in one direction: `direction` says which. */
  | 'read'
  | 'write'
  /** Of rsync, of which nothing but the command line is read. */
  | 'sync'
  | 'list'
  | 'remove'
  | 'rmdir'
  /** Of scp: or it was there before. */
  | 'mkdir'
  | 'rename'
  /** `newPath` is another name of what is at `path`. */
  | 'hardlink'
  /** `newPath` is a link that says `path`. */
  | 'symlink'
  | 'setstat'
  /** The target copies from `path` into `newPath`. */
  | 'copy'
  /** What only looks, such as `stat`; there is a step of it only where it was denied. */
  | 'look'
  /** A request that the reader does not know; `path` is its name. */
  | 'unknown';

export interface ShownRange {
  /** Position of its first byte in the file. */
  readonly from: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ShownFile {
  readonly by: 'sftp' | 'scp' | 'rsync';
  readonly operation: FileOperation;
  /** In the client's words: it may be relative, and symbolic links at the target may lead it elsewhere. */
  readonly path: Shown;
  /** Where the target said that it leads, when the gateway asked. */
  readonly resolved?: Shown;
  /** Of rename, links and copies. */
  readonly newPath?: Shown;
  /**
   * Of scp, where nothing tells whether `path` is a directory: it stands at this name in `path`, or, if that was none, at `path`
   * itself in place of the first part of this name.
   */
  readonly name?: Shown;
  readonly direction?: 'upload' | 'download';
  /** As it was told; what was transferred may be less. */
  readonly size?: number;
  /** All bytes that passed; those that passed twice count twice. */
  readonly transferred?: number;
  /** Of the content that was transferred; absent where that was not the file from its start on without gaps. */
  readonly sha256?: string;
  /** In place of it: several runs, or one that begins further on. The first of them. */
  readonly ranges?: readonly ShownRange[];
  /** Bytes that passed and are not in `ranges`. */
  readonly unlisted?: number;
  /** Some position passed more than once: the file holds what passed last. */
  readonly overlapping?: true;
  /** The transfer covers the file as a whole: to its end, where it was read; emptied first, where it was written. */
  readonly whole?: boolean;
  /** Parts that the target would not write. */
  readonly failed?: number;
  /** Permission bits. */
  readonly mode?: number;
  /** Of setstat: what else was set. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Seconds since 1970. */
  readonly modified?: number;
  /** Of list. */
  readonly entries?: number;
  /** The content is not in the recording; digests are the gateway's word. */
  readonly withheld?: true;
  /** What the target said where it would not, or the gateway. */
  readonly error?: Shown;
  /** Of sftp, with it: the code of that answer (draft-ietf-secsh-filexfer-02, section 7), such as 3 for permission denied. */
  readonly status?: number;
}

export interface ShownRef {
  /** Absent where the target did not tell of a ref with the object that was wanted. */
  readonly name?: Shown;
  /** Object ids. Of fetch: `to` is what the client wanted. Of push: what the client said it was, and shall be. */
  readonly from?: string;
  readonly to?: string;
  readonly change?: 'create' | 'update' | 'delete';
  /** Of push, what the target said of it: `ok`, or why not. */
  readonly status?: Shown;
}

export interface ShownGit {
  readonly operation: 'fetch' | 'push' | 'archive';
  readonly repository: Shown;
  /** Of git's protocol. */
  readonly version?: 0 | 1 | 2;
  /** Refs that the target told of. */
  readonly advertised?: number;
  /** Those that were wanted or updated, the first of them. */
  readonly refs: readonly ShownRef[];
  /** All of them. */
  readonly changed?: number;
  /** The client asked for less than the whole history, in its words: `deepen 1`. */
  readonly shallow?: readonly string[];
  /** Of a partial fetch, such as `blob:none`. */
  readonly filter?: Shown;
  /** The update is signed. */
  readonly signed?: true;
  readonly options?: readonly Shown[];
  readonly pack?: {
    readonly bytes: number;
    /** As its head says. */
    readonly objects?: number;
    /** Of all of its bytes, where they are in the recording. */
    readonly sha256?: string;
  };
  readonly error?: Shown;
}
