/** What rsync's command line says for certain. Its protocol is rsync's own, and is not read. */
import { commandWords } from '#core/protocols/ssh/files/command-words.ts';
import type { ChannelProgram, ChannelReader, Direction } from '../channel-reader.ts';
import type { ShownFile } from './file-step.ts';
import { type Emit, guarded, type Reading } from './reading.ts';
import { PATH_MAX, shownText } from './shown.ts';

export interface RsyncCommand {
  readonly direction: 'upload' | 'download';
  /** Empty where they are sent apart from the command line (`--secluded-args`). */
  readonly paths: readonly string[];
}

const PATHS_MAX = 100;
/** Of arguments that are sent apart from the command line. */
const ARGUMENTS_MAX = 64 << 10;

/**
 * `rsync --server [--sender] -options . path…`; `undefined` for what is not plainly that. Options of a server stand before a single
 * dot, which is for the client's own side.
 */
export function rsyncCommand(command: string): RsyncCommand | undefined {
  const words = commandWords(command)?.map(({ text }) => text) ?? [];
  if (words[0]?.split('/').at(-1) !== 'rsync' || words[1] !== '--server') return undefined;
  const dot = words.indexOf('.');
  const options = dot < 0 ? words : words.slice(0, dot);
  const direction = options.includes('--sender') ? 'download' : 'upload';
  return { direction, paths: dot < 0 ? [] : words.slice(dot + 1) };
}

/** Steps at the channel's end, one for each path: how much of what passed belongs to which is not known. */
export function rsyncReader({ channel }: ChannelProgram, command: RsyncCommand): ChannelReader {
  return guarded(channel, (emit) => new RsyncReading(channel, command, emit));
}

class RsyncReading implements Reading {
  readonly #channel: number;
  readonly #command: RsyncCommand;
  readonly #emit: Emit;
  #since: number | undefined;
  /** Arguments that come before rsync's own protocol, each with a NUL behind it, and after the last one more; `undefined`: none do. */
  #arguments: Buffer | undefined;
  #paths: readonly string[];

  constructor(channel: number, command: RsyncCommand, emit: Emit) {
    this.#channel = channel;
    this.#command = command;
    this.#emit = emit;
    this.#paths = command.paths;
    if (command.paths.length === 0) this.#arguments = Buffer.alloc(0);
  }

  take(direction: Direction, bytes: Uint8Array, at: number): void {
    this.#since ??= at;
    if (direction !== 'in' || this.#arguments === undefined) return;
    this.#arguments = Buffer.concat([
      this.#arguments,
      bytes.subarray(0, ARGUMENTS_MAX - this.#arguments.length),
    ]);
    const end = this.#arguments.indexOf('\0\0');
    if (end < 0 && this.#arguments.length < ARGUMENTS_MAX) return;
    const words = this.#arguments.subarray(0, Math.max(0, end)).toString().split('\0');
    this.#arguments = undefined;
    this.#paths = words.slice(words.indexOf('.') + 1, PATHS_MAX);
  }

  end(at: number): void {
    const since = this.#since ?? at;
    const { direction } = this.#command;
    const paths = this.#paths;
    for (const path of paths.length === 0 ? [''] : paths.slice(0, PATHS_MAX)) {
      const file: ShownFile = { by: 'rsync', operation: 'sync', path: shownText(path, PATH_MAX), direction };
      this.#emit({ kind: 'file', at: since, took: at - since, channel: this.#channel, file });
    }
  }
}
