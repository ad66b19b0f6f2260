import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type JournalDisk, journalDisk } from '../journal-disk.ts';
import { JournalFile, ROOM_SIZES } from '../journal-file.ts';
import { dropLog, logFile } from './files.ts';
import { encodeRecord, type LogRecord } from './record.ts';
import { type MakeDurable, makeDurable } from './make-durable.ts';

/** A file that is longer is followed by another, and what it names is made durable in its place. */
const FILE_BYTES = 8 << 20;
/** With so much that is durable in the log alone, nothing more is taken. */
const UNSETTLED_MAX_BYTES = 256 << 20;
const SIZES = { ...ROOM_SIZES, ahead: 1 << 20, low: 512 << 10 };

export interface StoreLogPlace {
  /** The store's folder. */
  readonly root: string;
  /** Whose log it is: tasks beside each other have their own. */
  readonly task: string;
  readonly disk?: JournalDisk;
  readonly makeDurable?: MakeDurable;
  readonly unsettledMax?: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly key: string | undefined;
  readonly place: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface LogFile {
  readonly path: string;
  readonly file: JournalFile;
  /** Keys of the objects in it. */
  readonly keys: string[];
  /** Objects that could not be put in their places yet, though their records are durable. */
  unplaced: (() => void)[];
}

/**
 * The write-ahead log of a store: what is small becomes durable by one append for all that is put together, and goes to its place
 * without a flush. Places are made durable later, many at once, and then the log forgets. Whoever starts on the folder first puts
 * in its place what a log still holds (replay.ts). Records become durable in the order in which they were given.
 */
export class StoreLog {
  readonly #root: string;
  readonly #task: string;
  readonly #disk: JournalDisk;
  readonly #makeDurable: MakeDurable;
  readonly #unsettledMax: number;
  #waiting: Waiting[] = [];
  /** Nobody waits for these; they go ahead of what follows. */
  #ahead: Uint8Array[] = [];
  #flushing: Promise<void> | undefined;
  #settling: Promise<void> | undefined;
  #current: LogFile | undefined;
  #older: LogFile[] = [];
  #next = 0;

  constructor(place: StoreLogPlace) {
    const { root, task, disk = journalDisk, makeDurable: durably = makeDurable } = place;
    this.#root = root;
    this.#task = task;
    this.#disk = disk;
    this.#makeDurable = durably;
    this.#unsettledMax = place.unsettledMax ?? UNSETTLED_MAX_BYTES;
  }

  /**
   * When it returns, the record is durable, and `place` was called: at once behind that, in the order of the records. Rejects as
   * `place` throws; the record then counts all the same, and `place` is called again before the log forgets it.
   */
  append(record: LogRecord, place: () => void = () => undefined): Promise<void> {
    const key = record.kind === 'object' ? record.name : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes: encodeRecord(record), key, place, resolve, reject });
    void this.#flushed();
    return promise;
  }

  /** It becomes durable no later than what is appended next. Nobody waits for it. */
  order(record: LogRecord): void {
    this.#ahead.push(encodeRecord(record));
  }

  /** Makes everything that is logged so far durable in its place, and forgets it. What fails is tried again by the next call. */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => (this.#settling = undefined));
    return this.#settling;
  }

  /** At the end of this turn of the event loop: all that comes in it shares one flush. */
  #flushed(): Promise<void> {
    this.#flushing ??= new Promise((done) => setImmediate(done)).then(() => this.#flush());
    return this.#flushing;
  }

  /** Nothing more is put: nothing is left in the log, unless places cannot be made durable. */
  async close(): Promise<void> {
    // One that is under way does not have what came behind its beginning.
    await this.#settling?.catch(() => undefined);
    await this.settle();
    for (const { file } of this.#older.splice(0)) await file.finish();
  }

  async #flush(): Promise<void> {
    do {
      const batch = this.#waiting.splice(0);
      const written = await this.#write(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
      if (written !== undefined) for (const one of batch) putInPlace(one, written);
    } while (this.#waiting.length > 0);
    this.#flushing = undefined;
    if ((this.#current?.file.size ?? 0) > FILE_BYTES) void this.settle().catch(() => undefined);
  }

  async #write(batch: readonly Waiting[]): Promise<LogFile> {
    const ahead = this.#ahead;
    this.#ahead = [];
    try {
      this.#refuseWhenFull();
      const current = await this.#writable();
      await current.file.append([...ahead, ...batch.map(({ bytes }) => bytes)]);
      return current;
    } catch (error) {
      this.#ahead.unshift(...ahead);
      // A torn record would hide what is appended behind it.
      this.#retire();
      throw error;
    }
  }

  async #writable(): Promise<LogFile> {
    if (this.#current?.file.isDoubtful === true) this.#retire();
    if (this.#current !== undefined) return this.#current;
    const path = logFile(this.#root, this.#task, this.#next++);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const tools = { disk: this.#disk, sizes: SIZES, makesRoom: true };
    this.#current = { path, file: await JournalFile.create(path, tools), keys: [], unplaced: [] };
    return this.#current;
  }

  /** It would grow without bounds: what makes places durable has failed for long. */
  #refuseWhenFull(): void {
    const unsettled = this.#older.reduce((sum, { file }) => sum + file.size, 0);
    if (unsettled <= this.#unsettledMax) return;
    throw new CustodyError('store-unavailable', 'the store cannot be written', {
      detail: `${unsettled} bytes of its log could not be made durable in their places`,
    });
  }

  #retire(): void {
    if (this.#current !== undefined) this.#older.push(this.#current);
    this.#current = undefined;
  }

  async #settle(): Promise<void> {
    if (this.#ahead.length > 0 || this.#flushing !== undefined) await this.#flushed();
    this.#retire();
    const settled = this.#older.filter(placeAgain);
    if (settled.length === 0) return;
    await this.#makeDurable(this.#root, new Set(settled.flatMap(({ keys }) => keys)));
    this.#older = this.#older.filter((file) => !settled.includes(file));
    for (const { path, file } of settled) {
      await file.finish();
      await dropLog(path);
    }
  }
}

function putInPlace({ key, place, resolve, reject }: Waiting, written: LogFile): void {
  if (key !== undefined) written.keys.push(key);
  try {
    place();
    resolve();
  } catch (error) {
    if (!isTaken(error)) written.unplaced.push(place);
    reject(error);
  }
}

/** Whether all of its objects are in their places now: another try may have put one there meanwhile. */
function placeAgain(file: LogFile): boolean {
  file.unplaced = file.unplaced.filter((place) => {
    try {
      place();
      return false;
    } catch (error) {
      return !isTaken(error);
    }
  });
  return file.unplaced.length === 0;
}

function isTaken(error: unknown): boolean {
  return asCustodyError(error).code === 'already-exists';
}
