import type { Portal } from './memory.ts';
import type { Command } from './sql/commands.ts';
import type { CutValue } from './values.ts';

/** What is shown as steps of its own: a query of several statements as several. */
export interface Statement {
  readonly kind: 'query' | 'execute' | 'function-call' | 'unmatched';
  readonly at: number;
  readonly text: CutValue | undefined;
  readonly portal: Portal | undefined;
  /** Arguments of a function call. */
  readonly values: readonly (CutValue | null)[] | undefined;
  /** Of those arguments, and of the result. */
  readonly formats?: readonly number[] | undefined;
  readonly resultFormats?: readonly number[] | undefined;
  /** The commands in its text; undefined where they are not known. */
  readonly commands: readonly Command[] | undefined;
  /** Why its text may not be what ran. */
  readonly doubt: string | undefined;
  /** The server came to it. */
  readonly isReached: boolean;
  /** Bytes of its messages, and of those that led to it. */
  readonly clientBytes: number;
}
