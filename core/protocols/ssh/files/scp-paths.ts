import { pathWords } from './file-names.ts';
import type { ScpCommand } from './scp-command.ts';

export interface ScpPath {
  readonly path: string;
  /**
   * Where nothing tells whether `path` is a directory: the file stands at this name in it, or, if it was none, at `path` itself in
   * place of the first part of this name.
   */
  readonly name?: string;
}

/** Directories below one another, of which more cannot be meant. */
const DEPTH_MAX = 512;

/** Where a file stands at the target, as far as the command and the names in the stream tell. */
export class ScpPaths {
  readonly #command: ScpCommand;
  readonly #names: string[] = [];

  constructor(command: ScpCommand) {
    this.#command = command;
  }

  enter(name: Uint8Array): boolean {
    if (this.#names.length === DEPTH_MAX) return false;
    this.#names.push(pathWords(name));
    return true;
  }

  /** False where no directory was entered. */
  leave(): boolean {
    return this.#names.pop() !== undefined;
  }

  of(name: Uint8Array): ScpPath {
    const names = [...this.#names, pathWords(name)];
    const [asked] = this.#command.paths;
    const path = asked?.text ?? '';
    if (this.#command.role === 'source') return this.#given(path, names);
    const within = names.join('/');
    return this.#intoDirectory(path) ? { path: joined(path, within) } : { path, name: within };
  }

  /** The path that was asked for, and below it what the source tells. */
  #given(path: string, names: readonly string[]): ScpPath {
    const { paths } = this.#command;
    const one = paths.length === 1 && !paths[0]!.expands && names[0] === lastName(path);
    if (one) return { path: [path.replace(/(.)\/+$/, '$1'), ...names.slice(1)].join('/') };
    return { path: paths.map(({ text }) => text).join(' '), name: names.join('/') };
  }

  #intoDirectory(path: string): boolean {
    return this.#command.directory || /(?:^|\/)\.{0,2}$/.test(path);
  }
}

function joined(path: string, name: string): string {
  return path.endsWith('/') ? path + name : `${path}/${name}`;
}

function lastName(path: string): string | undefined {
  return path.replace(/\/+$/, '').split('/').at(-1);
}
