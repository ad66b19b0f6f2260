import type { CopyRun } from '../copy-run.ts';
import type { Step } from '../step.ts';
import type { Answering, TransactionEvent } from '../tap.ts';
import { QuietTap } from './quiet-tap.ts';
import type { ScriptWriter } from './script-writer.ts';

/** Data that a client sends to a COPY, whichever of its statements that turns out to be. */
class SentData implements CopyRun {
  bytes = 0;
  readonly pieces: Buffer[] = [];

  /** Of more than a script takes, the beginning is kept, and the statement is not run there. */
  push(piece: Uint8Array): void {
    this.bytes += piece.length;
    if (this.bytes <= DATA_MAX) this.pieces.push(Buffer.from(piece));
  }
}

const DATA_MAX = 256 << 20;

/** Hears a session for a script: statements when they are over, and the data of COPYs from the client. */
export class ScriptTap extends QuietTap {
  readonly #writer: ScriptWriter;
  #sent: SentData | undefined;
  #answering: Answering | undefined;
  #isEnding = false;
  #events: TransactionEvent[] = [];
  #number = 0;

  constructor(writer: ScriptWriter) {
    super();
    this.#writer = writer;
  }

  override get copyRun(): CopyRun | undefined {
    return this.#sent;
  }

  override copied(by: 'client' | 'server', bytes: Uint8Array): void {
    if (by === 'client') (this.#sent ??= new SentData()).push(bytes);
  }

  override copyEnds(): void {
    this.#sent = undefined;
  }

  override answers(answering: Answering): void {
    this.#answering = answering;
  }

  override ready(): void {
    this.#writer.ready();
  }

  override ending(): void {
    this.#isEnding = true;
  }

  override transaction(event: TransactionEvent): void {
    if (this.#isEnding) this.#events.push(event);
    else this.#writer.transaction(event);
  }

  override step(step: Step): void {
    this.#number += 1;
    const answering = this.#isEnding ? this.#answering : undefined;
    const { copyRun } = answering?.answer ?? {};
    const data = copyRun instanceof SentData ? copyRun.pieces : undefined;
    const declared = answering?.statement.portal?.prepared?.declared ?? [];
    const standardStrings = answering?.reading.standardStrings ?? true;
    this.#writer.step({ step, number: this.#number, data, declared, standardStrings });
    if (!this.#isEnding) return;
    for (const event of this.#events) this.#writer.transaction(event);
    this.#events = [];
    this.#isEnding = false;
    this.#answering = undefined;
  }
}
