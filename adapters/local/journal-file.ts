import { ftruncateSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { JournalDisk } from './journal-disk.ts';

/** How a file makes room, in bytes. */
export interface RoomSizes {
  /** Room that is made at a time: 4 ms of writing on a common disk. */
  readonly ahead: number;
  /** With less room than that, more is made. A file that is left before needs no second time. */
  readonly low: number;
  /** What may be written while room is made where there is none. */
  readonly lead: number;
  /** Zeros cost about what they save at 16 writes: they are for writes no larger than this, of which `ahead` takes many. */
  readonly small: number;
  /** A larger write takes longer than a round through the thread pool, and there is other work meanwhile. */
  readonly sync: number;
}

export const ROOM_SIZES: RoomSizes = {
  ahead: 4 << 20,
  low: 2 << 20,
  lead: 256 << 10,
  small: 64 << 10,
  sync: 256 << 10,
};

export interface FileTools {
  readonly disk: JournalDisk;
  readonly sizes: RoomSizes;
  readonly makesRoom: boolean;
}

/**
 * A file that grows at its end, with room made ahead of it: zeros that were written before. A durable write into zeros changes
 * nothing but data, where one that makes the file grow, or is the first into blocks that were only reserved (fallocate), has the
 * file system commit its own books as well: half as long, at three fifths of the CPU on ext4. A reader takes zeros for the end.
 * Nothing is promised of zeros, and a disk that has no room for them is written to as any other.
 */
export class JournalFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #disk: JournalDisk;
  readonly #sizes: RoomSizes;
  /** Behind all that was written, or that is being written. */
  #end = 0;
  /** Zeros are durable up to here. */
  #zerosEnd = 0;
  /** Zeros on their way, from here on: whatever is written there now, they may overwrite. */
  #zeroing: { readonly from: number; readonly done: Promise<void> } | undefined;
  /** Bytes of a write, as it was of late. */
  #usual = 0;
  #makesRoom: boolean;
  #isDoubtful = false;

  private constructor(path: string, file: FileHandle, { disk, sizes, makesRoom }: FileTools) {
    this.path = path;
    this.#file = file;
    this.#disk = disk;
    this.#sizes = sizes;
    this.#makesRoom = makesRoom;
  }

  /** A new file, of which the folder knows durably. */
  static async create(path: string, tools: FileTools): Promise<JournalFile> {
    return new JournalFile(path, await tools.disk.create(path), tools);
  }

  /** Bytes of all that was written. */
  get size(): number {
    return this.#end;
  }

  /** The disk failed where nothing was to be kept yet, and may say so at a write that is in order: better go on elsewhere. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /**
   * Appends the pieces; when it returns, they are durable. Not to be called concurrently. When it rejects, any part of them may be
   * there, and nothing may be appended any more: it would hide behind that.
   */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const at = this.#end;
    this.#end += length;
    if (this.#zeroing !== undefined && this.#end > this.#zeroing.from) await this.#zeroing.done;
    await this.#write(pieces, at, this.#end);
    this.#usual += (length - this.#usual) / 8;
    this.makeRoom();
  }

  async #write(pieces: readonly Uint8Array[], from: number, to: number): Promise<void> {
    const isLong = to - from > this.#sizes.sync;
    let rest = pieces;
    for (let at = from; at < to; ) {
      const written = isLong
        ? await this.#disk.write(this.#file, rest, at)
        : this.#disk.writeSync(this.#file, rest, at);
      if (written === 0) throw new Error('the disk takes nothing');
      at += written;
      if (at < to) rest = behind(rest, written);
    }
  }

  /** Nobody waits for it, unless a write is longer than the room that is left before it. */
  makeRoom(): void {
    const { ahead, low, lead, small } = this.#sizes;
    const isEnough = this.#zerosEnd - this.#end >= low || this.#usual > small;
    if (isEnough || this.#zeroing !== undefined || !this.#makesRoom) return;
    const from = Math.max(this.#zerosEnd, this.#end === 0 ? 0 : this.#end + lead);
    this.#zeroing = { from, done: this.#zero(from, from + ahead) };
  }

  /** Nothing more is appended: gives back the room that is left. */
  async finish(): Promise<void> {
    this.#makesRoom = false;
    await this.#zeroing?.done;
    this.#giveBack(this.#end);
    await this.#file.close().catch(() => undefined);
  }

  async #zero(from: number, to: number): Promise<void> {
    try {
      await this.#disk.zero(this.path, from, to);
      this.#zerosEnd = to;
    } catch (error) {
      this.#makesRoom = false;
      this.#isDoubtful = !isLackOfRoom(error);
      this.#giveBack(Math.max(this.#end, this.#zerosEnd));
    }
    this.#zeroing = undefined;
  }

  /** At once: nothing may be written between the choice of the place and the cut. A file that stays too long is read all the same. */
  #giveBack(from: number): void {
    try {
      ftruncateSync(this.#file.fd, from);
    } catch {
      // Its zeros are its end.
    }
  }
}

/** What is left of the pieces behind `written` bytes of them. */
function behind(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skipped = 0;
  for (const piece of pieces) {
    const skip = Math.min(piece.byteLength, written - skipped);
    if (skip < piece.byteLength) rest.push(piece.subarray(skip));
    skipped += skip;
  }
  return rest;
}

function isLackOfRoom(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}
