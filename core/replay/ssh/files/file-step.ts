/** What steps say of files and repositories. */
import type { Shown } from '../../step.ts';

export interface ShownFile {
  readonly by: 'sftp' | 'scp' | 'rsync';
  /** What was done, such as `read`, `write`, `list`, `remove`, `rename`, `mkdir`, `setstat`. */
  readonly operation: string;
  readonly path: Shown;
  /** Of rename and links. */
  readonly newPath?: Shown;
  readonly direction?: 'upload' | 'download';
  /** As it was told; what was transferred may be less. */
  readonly size?: number;
  readonly transferred?: number;
  /** Of the content that was transferred; absent where that was not the file from its start on without gaps. */
  readonly sha256?: string;
  /** The transfer covers the file as a whole. */
  readonly whole?: boolean;
  /** Permission bits. */
  readonly mode?: number;
  /** What the target said where it would not. */
  readonly error?: Shown;
}

export interface ShownGit {
  readonly operation: 'fetch' | 'push' | 'archive';
  readonly repository: Shown;
  readonly refs: readonly {
    readonly name: Shown;
    readonly from?: string;
    readonly to?: string;
    /** What the target said of it. */
    readonly status?: Shown;
  }[];
}
