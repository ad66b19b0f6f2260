import type { GateHands } from '../channels/gate.ts';
import { ContentRuns } from './content-digest.ts';
import type { FileSide } from './file-rights.ts';

/** A file or directory that the target has opened for the client. */
export class OpenFile {
  readonly path: string;
  /** Where the target said that the path leads, when it was asked. */
  readonly resolved: string | undefined;
  readonly sides: readonly FileSide[];
  readonly directory: boolean;
  readonly passed: Readonly<Record<FileSide, ContentRuns>>;
  /** Requests for it that were not answered yet. */
  waiting = 0;
  closed = false;
  /** The target said that there is no more to read. */
  end = false;
  /** Writes that the target refused. */
  failed = 0;
  /** The target wrote into it from another file: that content did not pass. */
  copied = false;

  constructor(opened: Pick<OpenFile, 'path' | 'resolved' | 'sides' | 'directory'>) {
    this.path = opened.path;
    this.resolved = opened.resolved;
    this.sides = opened.sides;
    this.directory = opened.directory;
    this.passed = { upload: new ContentRuns(), download: new ContentRuns() };
  }
}

/** Which handle stands for which file; with `digests`, what passed of each becomes a note when it is closed. */
export class SftpFiles {
  readonly #open = new Map<string, OpenFile>();
  /** Closed by the client, while answers about them are on their way. */
  readonly #closing = new Set<OpenFile>();
  readonly #digests: boolean;

  constructor(digests: boolean) {
    this.#digests = digests;
  }

  get size(): number {
    return this.#open.size + this.#closing.size;
  }

  find(handle: Uint8Array): OpenFile | undefined {
    return this.#open.get(keyOf(handle));
  }

  /** False when the target gives a handle that stands for another file. */
  add(handle: Uint8Array, file: OpenFile): boolean {
    const key = keyOf(handle);
    if (this.#open.has(key)) return false;
    this.#open.set(key, file);
    return true;
  }

  /** The client closes it: from now on the handle stands for nothing. */
  closing(handle: Uint8Array): void {
    const file = this.find(handle);
    if (file === undefined) return;
    this.#open.delete(keyOf(handle));
    this.#closing.add(file);
  }

  /** One of its requests was answered. */
  answered(file: OpenFile, hands: Pick<GateHands, 'note'>): void {
    file.waiting -= 1;
    if (!file.closed || file.waiting > 0 || !this.#closing.delete(file)) return;
    this.#tell(file, hands, {});
  }

  /** The channel is over. */
  abandon(hands: Pick<GateHands, 'note'>): void {
    for (const file of [...this.#closing, ...this.#open.values()])
      this.#tell(file, hands, { unfinished: true });
    this.#open.clear();
    this.#closing.clear();
  }

  #tell(file: OpenFile, hands: Pick<GateHands, 'note'>, more: { readonly unfinished?: true }): void {
    if (!this.#digests || file.directory) return;
    for (const direction of file.sides) {
      const digest = file.passed[direction].digest();
      if (digest === undefined && file.sides.length > 1) continue;
      hands.note({
        note: 'ssh-file',
        direction,
        path: file.path,
        ...(file.resolved === undefined || file.resolved === file.path ? {} : { resolved: file.resolved }),
        ...(digest ?? { bytes: 0 }),
        ...(direction === 'download' && file.end ? { end: true } : {}),
        ...(direction === 'upload' && file.failed > 0 ? { failed: file.failed } : {}),
        ...(direction === 'upload' && file.copied ? { copied: true } : {}),
        ...more,
      });
    }
  }
}

function keyOf(handle: Uint8Array): string {
  return Buffer.from(handle).toString('latin1');
}
