import { createHash, type Hash } from 'node:crypto';
import type { ScpCommand } from '#core/protocols/ssh/files/scp-command.ts';
import { type ScpFile, type ScpProblem, ScpTalk } from '#core/protocols/ssh/files/scp-talk.ts';
import type { ChannelProgram, ChannelReader, Direction } from '../channel-reader.ts';
import type { SshOutcome, SshStep } from '../step.ts';
import { fileNoteOf } from './file-note.ts';
import type { ShownFile } from './file-step.ts';
import { type Emit, guarded, type Reading } from './reading.ts';
import { digestPart } from './sftp-transfers.ts';
import { PATH_MAX, shownBytes, shownText } from './shown.ts';

const ERROR_MAX = 1024;
/** The gateway tells of a file as soon as it is over. */
const UNTOLD_MAX = 16;

interface Offer {
  readonly file: ScpFile;
  readonly directory: boolean;
  readonly at: number;
  readonly hash: Hash;
  bytes: number;
  withheld: boolean;
}

/** Reads scp's old protocol (`scp -O`). */
export function scpReader({ channel, text }: ChannelProgram, command: ScpCommand): ChannelReader {
  return guarded(channel, (emit) => new ScpReading(channel, command, Math.min(text, PATH_MAX), emit));
}

class ScpReading implements Reading {
  readonly #channel: number;
  readonly #command: ScpCommand;
  readonly #limit: number;
  readonly #emit: Emit;
  readonly #talk: ScpTalk;
  #offer: Offer | undefined;
  #untold: SshStep[] = [];
  #now = 0;
  #withheld = false;

  constructor(channel: number, command: ScpCommand, limit: number, emit: Emit) {
    this.#channel = channel;
    this.#command = command;
    this.#limit = limit;
    this.#emit = emit;
    this.#talk = new ScpTalk(
      command,
      {
        offered: (file, directory) => this.#offered(file, directory),
        content: (part) => this.#content(part),
        over: (problem) => this.#over(problem),
        complained: (problem) => this.#complained(problem),
      },
      true,
    );
  }

  take(direction: Direction, bytes: Uint8Array, at: number, withheld: boolean): void {
    this.#now = at;
    this.#withheld = withheld;
    if (direction === 'err') return;
    if ((direction === 'in') === (this.#command.role === 'sink')) this.#talk.fromSource(bytes);
    else this.#talk.fromSink(bytes);
  }

  /** Files come one after the other, and so do the notes of them. */
  note(note: Readonly<Record<string, unknown>>, at: number): void {
    const told = fileNoteOf(note);
    if (told === undefined) return;
    if (told.unfinished) this.#leave(at);
    const step = this.#untold.shift();
    if (step?.file === undefined) return;
    const whole = step.file.whole === true && told.sha256 !== undefined;
    this.#emit({ ...step, file: { ...step.file, transferred: told.bytes, ...digestPart(told), whole } });
  }

  end(at: number): void {
    this.#leave(at);
    for (const step of this.#untold.splice(0)) this.#emit(step);
  }

  get #upload(): boolean {
    return this.#command.role === 'sink';
  }

  #offered(file: ScpFile, directory: boolean): void {
    const hash = createHash('sha256');
    this.#offer = { file, directory, at: this.#now, hash, bytes: 0, withheld: false };
  }

  #content(part: Uint8Array): void {
    const offer = this.#offer;
    if (offer === undefined) return;
    offer.bytes += part.length;
    offer.withheld ||= this.#withheld;
    if (!this.#withheld) offer.hash.update(part);
  }

  #over(problem: ScpProblem | undefined): void {
    const offer = this.#offer;
    this.#offer = undefined;
    if (offer === undefined) return;
    const outcome = problem === undefined ? 'completed' : this.#outcomeOf(problem, offer);
    // A directory that is given has its files as steps.
    if (!offer.directory || this.#upload || problem !== undefined)
      this.#tell(this.#shown(offer, problem), offer.at, this.#now, outcome);
  }

  /** What the target would not begin was refused; what went wrong afterwards, or at the client, has failed. */
  #outcomeOf({ by }: ScpProblem, { bytes }: Offer): SshOutcome {
    return this.#upload && by === 'sink' && bytes === 0 ? 'refused' : 'failed';
  }

  #leave(at: number): void {
    const offer = this.#offer;
    this.#offer = undefined;
    if (offer === undefined) return;
    this.#tell({ ...this.#shown(offer, undefined), whole: false }, offer.at, at, 'unfinished');
  }

  #complained({ by, words }: ScpProblem): void {
    const file: ShownFile = {
      by: 'scp',
      operation: this.#upload ? 'write' : 'read',
      path: shownText(this.#command.paths.map(({ text }) => text).join(' '), this.#limit),
      error: shownBytes(words, ERROR_MAX),
    };
    const byTarget = (by === 'sink') === this.#upload;
    this.#tell(file, this.#now, this.#now, byTarget ? 'refused' : 'failed');
  }

  #shown({ file, directory, hash, bytes, withheld }: Offer, problem: ScpProblem | undefined): ShownFile {
    const { path, name, mode, size, modified } = file;
    const error = problem === undefined ? {} : { error: shownBytes(problem.words, ERROR_MAX) };
    const facts = {
      path: shownText(path, this.#limit),
      ...(name === undefined ? {} : { name: shownText(name, this.#limit) }),
      mode: mode & 0o7777,
      ...(modified === undefined ? {} : { modified }),
      ...error,
    };
    if (directory) return { by: 'scp', operation: this.#upload ? 'mkdir' : 'list', ...facts };
    return {
      by: 'scp',
      operation: this.#upload ? 'write' : 'read',
      direction: this.#upload ? 'upload' : 'download',
      ...facts,
      size,
      transferred: bytes,
      ...(withheld ? { withheld } : { sha256: hash.digest('hex') }),
      whole: problem === undefined && bytes === size,
    };
  }

  #tell(file: ShownFile, since: number, until: number, outcome: SshOutcome): void {
    const step: SshStep = {
      kind: 'file',
      at: since,
      took: until - since,
      channel: this.#channel,
      outcome,
      file,
    };
    if (!file.withheld) this.#emit(step);
    else if (this.#untold.push(step) > UNTOLD_MAX) this.#emit(this.#untold.shift()!);
  }
}
