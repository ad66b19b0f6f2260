import type { CopyRun } from './copy-run.ts';
import type { CutValue } from './values.ts';

export type OperationKind =
  | 'query'
  | 'parse'
  | 'bind'
  | 'describe'
  | 'close'
  | 'execute'
  | 'function-call'
  | 'sync'
  /** CopyData; several that follow each other are one. */
  | 'copy-data'
  /** CopyDone or CopyFail. */
  | 'copy-end';

/** Something the client sent that waits until the server comes to it. */
export interface Operation {
  readonly kind: OperationKind;
  /** The names that it gives or uses, as they are on the wire, one character a byte; others are empty. */
  readonly statement: string;
  readonly portal: string;
  /** Of describe and close: which of the names is meant. */
  readonly what: 'statement' | 'portal' | undefined;
  readonly at: number;
  /** Of its message, and of those that lead to it and are not answered. */
  readonly bytes: number;
  /** Undefined when it needs none, and when it was not kept. */
  readonly load: Load | undefined;
  /** Its load was more than may be kept. */
  readonly dropped: boolean;
}

/** Texts and values of an operation. */
export interface Load {
  readonly text?: CutValue;
  /** Types of a statement's parameters. */
  readonly types?: readonly number[];
  readonly formats?: readonly number[];
  readonly values?: readonly (CutValue | null)[];
  readonly resultFormats?: readonly number[];
  readonly copy?: CopyPiece;
}

/** Data of CopyData messages, of which the beginning is kept. */
export interface CopyPiece {
  readonly messages: number;
  readonly bytes: number;
  /** Line feeds in them. */
  readonly lines: number;
  readonly sample: Uint8Array;
  readonly run?: CopyRun;
}

/** What is shown as a step of its own. */
export function isStatement({ kind }: Operation): boolean {
  return kind === 'query' || kind === 'execute' || kind === 'function-call';
}

/** ReadyForQuery comes after it. */
export function endsWithReady({ kind }: Operation): boolean {
  return kind === 'sync' || kind === 'query' || kind === 'function-call';
}

export function isCopy({ kind }: Operation): boolean {
  return kind === 'copy-data' || kind === 'copy-end';
}

/** Both as one; `limit` bytes of the data are kept. */
export function joined(before: CopyPiece, next: CopyPiece, limit: number): CopyPiece {
  const room = limit - before.sample.length;
  return {
    ...before,
    messages: before.messages + next.messages,
    bytes: before.bytes + next.bytes,
    lines: before.lines + next.lines,
    sample: room > 0 ? Buffer.concat([before.sample, next.sample.subarray(0, room)]) : before.sample,
  };
}
