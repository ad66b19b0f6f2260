import { violation } from '../wire.ts';
import type { ScpCommand } from './scp-command.ts';
import { type ScpPath, ScpPaths } from './scp-paths.ts';
import { ScpAnswerCutter, type ScpComplaint, type ScpLine, ScpSourceCutter } from './scp-stream.ts';

export interface ScpFile extends ScpPath {
  readonly mode: number;
  /** As the source told. */
  readonly size: number;
  readonly modified?: number;
}

export interface ScpProblem {
  readonly by: 'source' | 'sink';
  readonly words: Uint8Array;
}

export interface ScpEvents {
  /** The source has a file or, with `directory`, a directory. */
  offered(file: ScpFile, directory: boolean): void;
  /** Of the file that was offered last. A view of the chunk, from `at` on. */
  content(part: Uint8Array, at: number): void;
  /** What was offered last is over. */
  over(problem: ScpProblem | undefined): void;
  /** Of nothing that was offered, such as a file that is not there. */
  complained(problem: ScpProblem): void;
}

/** What an answer of the sink's is to. */
type Turn = 'start' | 'file' | 'content' | 'directory' | 'other';

/**
 * Both sides of scp's old protocol in their turns. The source has to wait for the answer to each line, since the sink takes what
 * follows a file's line as content or as the next line by what it answered. `patient`: who does not wait is believed as long as the
 * answers turn out good; otherwise it is a `protocol-violation`.
 */
export class ScpTalk {
  readonly #events: ScpEvents;
  readonly #patient: boolean;
  readonly #paths: ScpPaths;
  readonly #source: ScpSourceCutter;
  readonly #sink: ScpAnswerCutter;
  /** The answer that the source waits for. */
  #turn: Turn | undefined = 'start';
  /** What the turn is about: `#taken` has to know. */
  #line: ScpLine | undefined;
  #times: number | undefined;
  /** Answers that were taken for granted. */
  #owed = 0;
  /** A complaint that came before the content's end. */
  #early: ScpComplaint | undefined;
  #within = false;

  constructor(command: ScpCommand, events: ScpEvents, patient: boolean) {
    this.#events = events;
    this.#patient = patient;
    this.#paths = new ScpPaths(command);
    this.#source = new ScpSourceCutter({
      lineBegins: () => this.#waited(),
      line: (line) => this.#said(line),
      content: (part, at) => events.content(part, at),
      contentEnd: (problem) => this.#contentEnd(problem),
    });
    this.#sink = new ScpAnswerCutter({ answer: (problem) => this.#answered(problem) });
  }

  /** Between a file's or directory's line and its end. */
  get within(): boolean {
    return this.#within;
  }

  fromSource(chunk: Uint8Array): void {
    this.#source.take(chunk);
  }

  fromSink(chunk: Uint8Array): void {
    this.#sink.take(chunk);
  }

  #waited(): void {
    if (this.#turn === undefined) return;
    if (!this.#patient) throw violation('an scp source does not wait for the answer');
    this.#owed += 1;
    this.#taken();
  }

  #said(line: ScpLine): void {
    switch (line.kind) {
      case 'error':
        // The sink answers nothing to it.
        this.#events.complained({ by: 'source', words: line.words });
        return;
      case 'times':
        this.#times = line.modified;
        this.#turn = 'other';
        return;
      case 'end':
        if (!this.#paths.leave()) throw violation('an scp source ends a directory that it did not begin');
        this.#turn = 'other';
        return;
      case 'file':
      case 'directory':
        this.#offered(line);
    }
  }

  #offered(line: Extract<ScpLine, { kind: 'file' | 'directory' }>): void {
    const { kind, name, mode } = line;
    const modified = this.#times === undefined ? {} : { modified: this.#times };
    const size = kind === 'file' ? line.size : 0;
    this.#times = undefined;
    this.#line = { ...line, name: name.slice() };
    this.#turn = kind;
    this.#within = true;
    this.#events.offered({ ...this.#paths.of(name), mode, size, ...modified }, kind === 'directory');
  }

  #answered(problem: ScpComplaint | undefined): void {
    if (this.#owed > 0) {
      if (problem !== undefined) throw violation('an scp sink would not take what it was sent already');
      this.#owed -= 1;
    } else if (this.#turn !== undefined) {
      if (problem === undefined) this.#taken();
      else this.#notTaken(problem);
    } else if (problem !== undefined && this.#early === undefined) this.#early = problem;
    else throw violation('an scp sink answers what nobody said');
  }

  #taken(): void {
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn === 'file' && this.#line?.kind === 'file') this.#source.contentFollows(this.#line.size);
    if (turn === 'directory' && this.#line?.kind === 'directory') {
      if (!this.#paths.enter(this.#line.name)) throw violation('directories of scp go deeper than they can');
      this.#over(undefined);
    }
    if (turn === 'content') this.#over(undefined);
  }

  #notTaken({ words }: ScpComplaint): void {
    const turn = this.#turn;
    this.#turn = undefined;
    const problem = { by: 'sink', words } as const;
    if (turn === 'start' || turn === 'other') this.#events.complained(problem);
    else this.#over(problem);
  }

  #contentEnd(problem: ScpComplaint | undefined): void {
    const early = this.#early;
    this.#early = undefined;
    this.#turn = 'content';
    // The sink answers once more, whatever it thinks of it.
    if (problem !== undefined) this.#over({ by: 'source', words: problem.words });
    if (early !== undefined) this.#notTaken(early);
  }

  #over(problem: ScpProblem | undefined): void {
    if (!this.#within) return;
    this.#within = false;
    this.#events.over(problem);
  }
}
