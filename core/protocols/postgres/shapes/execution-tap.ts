import { createHash, type Hash } from 'node:crypto';
import type { CopyRun } from '#core/replay/postgres/copy-run.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import type { Answering, Tap, TransactionEvent } from '#core/replay/postgres/tap.ts';
import type { CutValue } from '#core/replay/postgres/values.ts';
import type { SeenBytes } from '#core/tasks/seen.ts';

/** A row as it is on the wire. */
export type TakeWireRow = (
  values: readonly (CutValue | null)[],
  formatOf: (column: number) => number,
) => void;

/** What happened, in the server's order. */
export type Happened =
  | { readonly step: Step; readonly heard: Heard | undefined }
  | { readonly transaction: TransactionEvent };

/** An answer with what no step keeps of it. */
export interface Heard extends Answering {
  /** The gateway gave it: the command never reached the target. */
  readonly isRefused: boolean;
  /** Of its COPY, once that is complete. */
  readonly copied: (SeenBytes & { readonly first: Uint8Array }) | undefined;
}

/** Of a stream. */
const FIRST_BYTES = 64 << 10;

/** Data of a COPY as it passes. */
class PassingCopy implements CopyRun {
  bytes = 0;
  readonly #hash: Hash = createHash('sha256');
  #first: Uint8Array = new Uint8Array(0);
  #digest: string | undefined;

  push(bytes: Uint8Array): void {
    const room = FIRST_BYTES - this.#first.length;
    if (room > 0) this.#first = Buffer.concat([this.#first, bytes.subarray(0, room)]);
    this.bytes += bytes.length;
    this.#hash.update(bytes);
  }

  seen(): NonNullable<Heard['copied']> {
    this.#digest ??= this.#hash.digest('hex');
    return { sha256: this.#digest, bytes: this.bytes, first: this.#first };
  }
}

/** Puts what a recording says into one order, for `postgresExecutions`. Rows and bytes are passed on, and not kept. */
export class ExecutionTap implements Tap {
  readonly #take: (answering: Answering) => TakeWireRow | undefined;
  readonly #queue: Happened[] = [];
  #pending: TransactionEvent[] = [];
  #isEnding = false;
  #by: 'target' | 'gateway' = 'target';
  /** The gateway has refused something that the server is not ready after. */
  #isRefusing = false;
  #answering: Answering | undefined;
  #rows: TakeWireRow | undefined;
  #hasLooked = false;
  #fromClient: PassingCopy | undefined;
  #fromServer: PassingCopy | undefined;

  /** `take`: asked at an answer's first row. */
  constructor(take: (answering: Answering) => TakeWireRow | undefined) {
    this.#take = take;
  }

  get copyRun(): CopyRun | undefined {
    return this.#fromClient;
  }

  /** What came before `step`, and itself; without one, all. */
  *until(step?: Step): Generator<Happened> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      yield next;
      if (step !== undefined && 'step' in next && next.step === step) return;
    }
  }

  said(by: 'target' | 'gateway'): void {
    this.#by = by;
  }

  answers(answering: Answering): void {
    this.#answering = answering;
    this.#rows = undefined;
    this.#hasLooked = false;
    this.#fromServer = undefined;
  }

  row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void {
    this.#lookForRows();
    this.#rows?.(values, formatOf);
  }

  copied(by: 'client' | 'server', bytes: Uint8Array): void {
    if (by === 'client') (this.#fromClient ??= new PassingCopy()).push(bytes);
    else this.#fromServer?.push(bytes);
  }

  copyEnds(): void {
    this.#fromClient = undefined;
  }

  copyBegins(): void {
    this.#fromServer = new PassingCopy();
  }

  ending(): void {
    if (this.#answering?.statement.isReached === true) this.#lookForRows();
    this.#isEnding = true;
  }

  transaction(event: TransactionEvent): void {
    if (this.#isEnding) this.#pending.push(event);
    else this.#push({ transaction: event });
  }

  ready(): void {
    this.#isRefusing = false;
  }

  step(step: Step): void {
    if (!this.#isEnding || isDiscarded(step)) return this.#push({ step, heard: undefined });
    this.#push({ step, heard: this.#heard(step) });
    for (const transaction of this.#pending) this.#push({ transaction });
    this.#pending = [];
    this.#isEnding = false;
    this.#answering = undefined;
  }

  #heard({ outcome, kind }: Step): Heard | undefined {
    if (this.#answering === undefined) return undefined;
    const isByGateway = outcome === 'failed' && this.#by === 'gateway';
    this.#isRefusing ||= isByGateway;
    const isBehind = outcome === 'skipped' || outcome === 'unfinished';
    const isRefused = isByGateway || (isBehind && this.#isRefusing);
    const copied = outcome === 'completed' && kind.startsWith('copy-') ? this.#copied(kind) : undefined;
    return { ...this.#answering, isRefused, copied };
  }

  #copied(kind: Step['kind']): Heard['copied'] {
    if (kind !== 'copy-in') return (this.#fromServer ?? new PassingCopy()).seen();
    const { copyRun } = this.#answering!.answer;
    return (copyRun instanceof PassingCopy ? copyRun : new PassingCopy()).seen();
  }

  #lookForRows(): void {
    if (this.#hasLooked || this.#answering === undefined) return;
    this.#hasLooked = true;
    this.#rows = this.#take(this.#answering);
  }

  /** Many transactions that end one after the other are as one. */
  #push(happened: Happened): void {
    const last = this.#queue.at(-1);
    if (isCommit(happened) && last !== undefined && isCommit(last)) return;
    this.#queue.push(happened);
  }
}

function isCommit(happened: Happened): boolean {
  return 'transaction' in happened && happened.transaction.kind === 'end' && happened.transaction.committed;
}

/** CopyData that no COPY took. */
function isDiscarded({ kind, outcome, statement }: Step): boolean {
  return kind === 'copy-in' && outcome === 'skipped' && statement === undefined;
}
