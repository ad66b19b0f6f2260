import type { FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type JournalDisk, journalDisk } from '#adapters/local/journal-disk.ts';

/** What becomes of one write: only so many bytes of it are written at a time, then it goes on, or fails. */
export interface PlannedWrite {
  readonly most?: number;
  readonly fails?: string;
}

/** What becomes of zeros: before they are written, `until`; then they are, or so many of them, and it fails. */
export interface PlannedZeros {
  readonly until?: Promise<void>;
  readonly most?: number;
  readonly fails?: string;
}

/** The real disk, with the calls planned: the first of a plan for the first call of its kind; what is not planned goes well. */
export class FaultyDisk implements JournalDisk {
  readonly writes: PlannedWrite[] = [];
  readonly zeros: PlannedZeros[] = [];
  readonly creations: string[] = [];
  /** Ranges of zeros, as they were asked for. */
  readonly asked: [from: number, to: number][] = [];
  inPool = 0;

  async create(path: string): Promise<FileHandle> {
    const fails = this.creations.shift();
    if (fails !== undefined) throw diskError(fails);
    return journalDisk.create(path);
  }

  writeSync(file: FileHandle, pieces: readonly Uint8Array[], at: number): number {
    const { most = Number.POSITIVE_INFINITY, fails } = this.writes.shift() ?? {};
    const written = journalDisk.writeSync(file, firstBytes(pieces, most), at);
    if (fails !== undefined) throw diskError(fails);
    return written;
  }

  async write(file: FileHandle, pieces: readonly Uint8Array[], at: number): Promise<number> {
    this.inPool += 1;
    return this.writeSync(file, pieces, at);
  }

  async zero(path: string, from: number, to: number): Promise<void> {
    this.asked.push([from, to]);
    const { until, most = to - from, fails } = this.zeros.shift() ?? {};
    await until;
    await journalDisk.zero(path, from, Math.min(to, from + most));
    if (fails !== undefined) throw diskError(fails);
  }
}

function firstBytes(pieces: readonly Uint8Array[], most: number): Uint8Array[] {
  const together = Buffer.concat(pieces);
  return [together.subarray(0, Math.min(together.byteLength, most))];
}

export function diskError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the disk says ${code}`), { code });
}

/** Turns of the event loop until it is so: what the thread pool does takes some. */
export async function turnsUntil(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    if (turns > 200_000) throw new Error('it never is so');
    await turn();
  }
}
