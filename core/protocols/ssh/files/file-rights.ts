import { fits, leads } from '#core/access/patterns.ts';
import type { SshRule } from '../schema.ts';

export type FileSide = 'upload' | 'download';
/** Stands for any name below a directory: nobody writes it into a pattern. */
const ANY_NAME = '\u{10fffe}';
/** A pattern that holds for names so far down, and for those close by, holds for all. */
const DEPTHS = [0, 1, 2, 40];

/** What a rule's `ssh.files` lets pass, by paths that are absolute and have no symbolic link, `.` or `..` left in them. */
export class FileRights {
  readonly #patterns: Readonly<Record<FileSide, readonly string[]>>;

  /** Without a rule everything may pass. */
  constructor(files: Pick<NonNullable<SshRule['files']>, FileSide> = {}) {
    this.#patterns = { upload: files.upload ?? ['**'], download: files.download ?? ['**'] };
  }

  /** What can be said before a path is known. */
  level(side: FileSide): 'all' | 'none' | 'some' {
    const patterns = this.#patterns[side];
    if (patterns.length === 0) return 'none';
    return patterns.some((pattern) => pattern === '**' || pattern === '/**') ? 'all' : 'some';
  }

  /** Neither of the two depends on the path. */
  get pathless(): boolean {
    return this.level('upload') !== 'some' && this.level('download') !== 'some';
  }

  allows(side: FileSide, path: string): boolean {
    return this.level(side) === 'all' || this.#patterns[side].some((pattern) => fits(pattern, path));
  }

  /** The path and whatever there may be below it. */
  allowsTree(side: FileSide, path: string): boolean {
    return DEPTHS.every((depth) => this.allows(side, path + `/${ANY_NAME}`.repeat(depth)));
  }

  /** The path, or anything that there may be below it. */
  allowsSome(side: FileSide, path: string): boolean {
    return this.allows(side, path) || this.#leads(side, path);
  }

  /** May be listed and looked at: it may be read or written, or leads to what may. */
  shows(path: string): boolean {
    return this.allowsSome('download', path) || this.allowsSome('upload', path);
  }

  #leads(side: FileSide, path: string): boolean {
    const below = path === '/' ? '/' : `${path}/`;
    return this.level(side) === 'all' || this.#patterns[side].some((pattern) => leads(pattern, below));
  }
}
