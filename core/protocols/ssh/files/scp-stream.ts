/** scp's old protocol, that of `rcp`: what the source says, and what the sink answers. No standard has it; OpenSSH's scp.c does. */
import { SshWriter, violation } from '../wire.ts';

/** OpenSSH's own sink takes no longer line. */
export const SCP_LINE_MAX = 16 << 10;
const NEWLINE = 0x0a;

export type ScpLine =
  | { readonly kind: 'file'; readonly mode: number; readonly size: number; readonly name: Uint8Array }
  | { readonly kind: 'directory'; readonly mode: number; readonly name: Uint8Array }
  /** Of the directory that was begun last. */
  | { readonly kind: 'end' }
  /** Of the next file or directory; seconds since 1970. */
  | { readonly kind: 'times'; readonly modified: number; readonly accessed: number }
  | ScpComplaint;

export interface ScpComplaint {
  readonly kind: 'error';
  /** The other side ends after it. */
  readonly fatal: boolean;
  readonly words: Uint8Array;
}

/** Is told of every byte of the source exactly once, in order. */
export interface ScpSourceSink {
  /** Something comes where a line may begin. */
  lineBegins(): void;
  /** With its line feed; the bytes are its own, or a view of the chunk. */
  line(line: ScpLine, bytes: Uint8Array): void;
  /** A view of the chunk, from `at` on. */
  content(part: Uint8Array, at: number): void;
  /** After a file's content: that it was read well, or what went wrong. */
  contentEnd(problem: ScpComplaint | undefined, bytes: Uint8Array): void;
}

/** Chunks in, lines and contents out. Content is never held. Throws `protocol-violation`. */
export class ScpSourceCutter {
  readonly #sink: ScpSourceSink;
  #line = new LineCutter();
  #left = 0;
  /** After content comes a single zero, or a complaint. */
  #status = false;

  constructor(sink: ScpSourceSink) {
    this.#sink = sink;
  }

  /** Bytes that came of a line that is not whole. */
  get held(): number {
    return this.#line.held;
  }

  /** The sink took the last file: its content follows. Until then what comes is lines. */
  contentFollows(size: number): void {
    this.#left = size;
    this.#status = size === 0;
  }

  take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0 && !this.#status && this.held === 0) this.#sink.lineBegins();
      if (this.#left > 0) at = this.#content(chunk, at);
      else if (this.#status && this.#line.held === 0 && chunk[at] === 0) at = this.#wellDone(chunk, at);
      else at = this.#lineFrom(chunk, at);
    }
  }

  #content(chunk: Uint8Array, at: number): number {
    const to = Math.min(chunk.length, at + this.#left);
    this.#left -= to - at;
    this.#status = this.#left === 0;
    this.#sink.content(chunk.subarray(at, to), at);
    return to;
  }

  #wellDone(chunk: Uint8Array, at: number): number {
    this.#status = false;
    this.#sink.contentEnd(undefined, chunk.subarray(at, at + 1));
    return at + 1;
  }

  #lineFrom(chunk: Uint8Array, at: number): number {
    const { end, line: bytes } = this.#line.take(chunk, at);
    if (bytes === undefined) return end;
    const line = readLine(bytes);
    if (!this.#status) this.#sink.line(line, bytes);
    else {
      if (line.kind !== 'error') throw violation('an scp file does not end');
      this.#status = false;
      this.#sink.contentEnd(line, bytes);
    }
    return end;
  }
}

/** What a sink answers to each line, and to each file's end. */
export interface ScpAnswerSink {
  answer(problem: ScpComplaint | undefined, bytes: Uint8Array): void;
}

export class ScpAnswerCutter {
  readonly #sink: ScpAnswerSink;
  readonly #line = new LineCutter();

  constructor(sink: ScpAnswerSink) {
    this.#sink = sink;
  }

  get held(): number {
    return this.#line.held;
  }

  take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#line.held === 0 && chunk[at] === 0) {
        at += 1;
        this.#sink.answer(undefined, chunk.subarray(at - 1, at));
        continue;
      }
      const { end, line } = this.#line.take(chunk, at);
      at = end;
      if (line === undefined) return;
      const complaint = complaintOf(line);
      if (complaint === undefined) throw violation('what an scp sink answers is no answer');
      this.#sink.answer(complaint, line);
    }
  }
}

/** Lines across chunks. */
class LineCutter {
  #held: SshWriter | undefined;

  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** The line that ends in the chunk after `from`, with its line feed. */
  take(chunk: Uint8Array, from: number): { readonly end: number; readonly line?: Uint8Array } {
    const feed = chunk.indexOf(NEWLINE, from);
    const end = feed < 0 ? chunk.length : feed + 1;
    if (this.held + end - from > SCP_LINE_MAX)
      throw violation(`a line of scp is longer than ${SCP_LINE_MAX} bytes`);
    if (feed >= 0 && this.#held === undefined) return { end, line: chunk.subarray(from, end) };
    this.#held ??= new SshWriter();
    this.#held.raw(chunk.subarray(from, end));
    if (feed < 0) return { end };
    const line = this.#held.done();
    this.#held = undefined;
    return { end, line };
  }
}

const HEAD = /^([CD])([0-7]{4}) (\d{1,15}) $/;
const TIMES = /^T(\d{1,15}) \d{1,6} (\d{1,15}) \d{1,6}$/;

/** As OpenSSH's sink reads it: what that would not take is no line. */
function readLine(bytes: Uint8Array): ScpLine {
  const complaint = complaintOf(bytes);
  if (complaint !== undefined) return complaint;
  const line = bytes.subarray(0, -1);
  if (line.length === 1 && line[0] === 0x45) return { kind: 'end' };
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1');
  const times = TIMES.exec(text);
  if (times !== null) return { kind: 'times', modified: Number(times[1]), accessed: Number(times[2]) };
  const nameAt = text.indexOf(' ', text.indexOf(' ') + 1) + 1;
  const head = HEAD.exec(text.slice(0, nameAt));
  const name = line.slice(nameAt);
  if (head === null || !isName(name)) throw violation('a line of scp is none');
  const mode = Number.parseInt(head[2]!, 8);
  return head[1] === 'C'
    ? { kind: 'file', mode, size: Number(head[3]), name }
    : { kind: 'directory', mode, name };
}

/** One name, so that it leads nowhere else. */
function isName(name: Uint8Array): boolean {
  const text = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
  return text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text);
}

/** A warning (1) or an error (2), whose words end with the line. */
function complaintOf(bytes: Uint8Array): ScpComplaint | undefined {
  const first = bytes[0];
  if (first !== 1 && first !== 2) return undefined;
  return { kind: 'error', fatal: first === 2, words: bytes.slice(1, -1) };
}
