import type { Portal, Prepared } from './memory.ts';
import type { CutValue } from './values.ts';

/** Something the client sent that the server answers. */
export type Operation =
  | Statement
  | {
      readonly kind: 'parse';
      readonly at: number;
      readonly prepared: Prepared;
      readonly before: Prepared | undefined;
    }
  | {
      readonly kind: 'bind';
      readonly at: number;
      readonly portal: Portal;
      readonly before: Portal | undefined;
    }
  | {
      readonly kind: 'describe' | 'close';
      readonly at: number;
      readonly prepared: Prepared | undefined;
      readonly portal: Portal | undefined;
    }
  | { readonly kind: 'sync'; readonly at: number }
  /** CopyDone or CopyFail: not answered, but says which Sync came before it. */
  | { readonly kind: 'copy-end'; readonly at: number }
  /** Stands where an operation stood that nothing answers. */
  | { readonly kind: 'passed'; readonly at: number };

/** What is shown as a step of its own. */
export interface Statement {
  readonly kind: 'query' | 'execute' | 'function-call' | 'unmatched';
  readonly at: number;
  readonly text: CutValue | undefined;
  readonly portal: Portal | undefined;
  /** Arguments of a function call. */
  readonly values: readonly (CutValue | null)[] | undefined;
  /** Of those arguments, and of the result. */
  readonly formats?: readonly number[];
  readonly resultFormats?: readonly number[];
  /** Answers so far: a query of several statements has several. */
  parts: number;
  /** When the answer before ended; at first, `at`. */
  since: number;
  /** Its step was shown before its turn: an error before it was the reason. */
  shown: boolean;
  /** Bytes of its messages, and of those that led to it. */
  clientBytes: number;
}

/** The members of a union whose `kind` can be `Kind`. */
export type OfKind<Union, Kind> = Union extends { readonly kind: infer All }
  ? Kind extends All
    ? Union
    : never
  : never;

export type OperationOf<Kind extends Operation['kind']> = OfKind<Operation, Kind>;

export function isStatement(operation: Operation | undefined): operation is Statement {
  const kind = operation?.kind;
  return kind === 'query' || kind === 'execute' || kind === 'function-call' || kind === 'unmatched';
}

/** ReadyForQuery comes after it. */
export function endsWithReady({ kind }: Operation): boolean {
  return kind === 'sync' || kind === 'query' || kind === 'function-call';
}

/** Without `operation`, the execution could not be. */
export function dependsOn({ portal }: Statement, operation: Operation): boolean {
  if (portal === undefined) return false;
  if (operation.kind === 'parse') return portal.prepared === operation.prepared;
  if (operation.kind === 'bind') return portal === operation.portal;
  if (operation.kind !== 'describe') return false;
  return (
    operation.portal === portal ||
    (operation.prepared !== undefined && operation.prepared === portal.prepared)
  );
}
