import { type ContentDigest, ContentRuns } from '#core/protocols/ssh/files/content-digest.ts';
import type { FileSide } from '#core/protocols/ssh/files/file-rights.ts';
import { openSides } from '#core/protocols/ssh/files/sftp-needs.ts';
import { OpenFlag } from '#core/protocols/ssh/files/sftp-requests.ts';
import { violation } from '#core/protocols/ssh/wire.ts';
import type { Shown } from '../../step.ts';
import type { SshOutcome } from '../step.ts';
import type { ShownFile } from './file-step.ts';

/** Open at once: as many as the gateway's own gate allows. */
const OPEN_MAX = 1024;
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** What passed of a file in one direction. */
class Passed {
  readonly runs = new ContentRuns();
  bytes = 0;
  withheld = false;

  take(part: Uint8Array, withheld: boolean): void {
    this.bytes += part.length;
    this.withheld ||= withheld;
    if (!withheld) this.runs.take(part);
  }
}

/** A file or directory that the target has opened for the client, or is about to. */
export class Transfer {
  readonly path: Shown;
  readonly at: number;
  readonly sides: readonly FileSide[];
  readonly directory: boolean;
  readonly passed: Readonly<Record<FileSide, Passed>> = { upload: new Passed(), download: new Passed() };
  /** What was in it before is not any longer. */
  readonly #emptied: boolean;
  readonly mode: number | undefined;
  /** Requests for it that were not answered yet. */
  waiting = 0;
  closed = false;
  size: number | undefined;
  entries = 0;
  /** The target said that there is no more to read. */
  end = false;
  failed = 0;
  copied = false;
  #refusal: Pick<ShownFile, 'error' | 'status'> | undefined;

  private constructor(
    path: Shown,
    at: number,
    opened: { sides: readonly FileSide[]; directory: boolean; emptied: boolean; mode: number | undefined },
  ) {
    this.path = path;
    this.at = at;
    this.sides = opened.sides;
    this.directory = opened.directory;
    this.#emptied = opened.emptied;
    this.mode = opened.mode;
  }

  static file(path: Shown, at: number, flags: number, mode: number | undefined): Transfer {
    const { truncate, exclusive } = OpenFlag;
    const emptied = (flags & (truncate | exclusive)) !== 0;
    return new Transfer(path, at, { sides: openSides(flags), directory: false, emptied, mode });
  }

  static directory(path: Shown, at: number): Transfer {
    return new Transfer(path, at, { sides: [], directory: true, emptied: false, mode: undefined });
  }

  get withheld(): boolean {
    return this.passed.upload.withheld || this.passed.download.withheld;
  }

  /** The first counts. */
  refusedBy(refusal: { readonly error: Shown; readonly status: number }): void {
    this.#refusal ??= refusal;
  }

  get outcome(): SshOutcome {
    return this.failed > 0 || this.#refusal !== undefined ? 'failed' : 'completed';
  }

  /** What a step says of each direction. Ends the digests. */
  shown(): ShownFile[] {
    const error = this.#refusal;
    if (this.directory)
      return [{ by: 'sftp', operation: 'list', path: this.path, entries: this.entries, ...error }];
    const busy = this.sides.filter((side) => this.passed[side].bytes > 0);
    return (busy.length > 0 ? busy : this.sides.slice(0, 1)).map((side) => ({ ...this.#of(side), ...error }));
  }

  #of(side: FileSide): ShownFile {
    const { runs, bytes, withheld } = this.passed[side];
    const upload = side === 'upload';
    const digest = withheld ? undefined : runs.digest();
    const whole = this.isWhole(side, digest);
    return {
      by: 'sftp',
      operation: upload ? 'write' : 'read',
      path: this.path,
      direction: side,
      ...(upload || this.size === undefined ? {} : { size: this.size }),
      transferred: bytes,
      ...(withheld
        ? { withheld }
        : digestPart(digest ?? { bytes: 0, ...(whole ? { sha256: NOTHING } : {}) })),
      ...(withheld ? {} : { whole }),
      ...(upload && this.failed > 0 ? { failed: this.failed } : {}),
      ...(upload && this.mode !== undefined ? { mode: this.mode & 0o7777 } : {}),
    };
  }

  /** `digest`: the reader's, or the gateway's own. */
  isWhole(side: FileSide, digest: Digest | undefined): boolean {
    const one = digest === undefined ? this.passed[side].bytes === 0 : digest.sha256 !== undefined;
    if (!one || digest?.overlapping === true) return false;
    if (side === 'upload') return this.#emptied && this.failed === 0 && !this.copied;
    return this.end || digest?.bytes === this.size;
  }
}

/** As `ContentDigest` in a form that notes can have. */
type Digest = { readonly [Key in keyof ContentDigest]: ContentDigest[Key] | undefined };

export function digestPart({ sha256, ranges, unlisted, overlapping }: Digest): Partial<ShownFile> {
  return {
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(ranges === undefined ? {} : { ranges }),
    ...(unlisted === undefined ? {} : { unlisted }),
    ...(overlapping === undefined ? {} : { overlapping }),
  };
}

/** Which handle stands for what. */
export class Transfers {
  readonly #open = new Map<string, Transfer>();
  readonly #closing = new Set<Transfer>();

  find(handle: Uint8Array): Transfer | undefined {
    return this.#open.get(keyOf(handle));
  }

  add(handle: Uint8Array, transfer: Transfer): void {
    if (this.#open.size + this.#closing.size >= OPEN_MAX)
      throw violation(`more files are open by SFTP than the ${OPEN_MAX} that are followed`);
    this.#open.set(keyOf(handle), transfer);
  }

  closing(handle: Uint8Array): void {
    const transfer = this.find(handle);
    if (transfer === undefined) return;
    this.#open.delete(keyOf(handle));
    this.#closing.add(transfer);
  }

  /** True when nothing more can come of it. */
  answered(transfer: Transfer): boolean {
    transfer.waiting -= 1;
    return transfer.closed && transfer.waiting <= 0 && this.#closing.delete(transfer);
  }

  /** Those that were never closed, or not answered. */
  left(): Transfer[] {
    const left = [...this.#closing, ...this.#open.values()];
    this.#closing.clear();
    this.#open.clear();
    return left;
  }
}

function keyOf(handle: Uint8Array): string {
  return Buffer.from(handle).toString('latin1');
}
