import type { SeenLiteral } from '#core/tasks/seen.ts';
import type { Touches } from './touches.ts';

/** Where the value of a place comes from. */
export type Source =
  /** A literal of the text, which begins at this UTF-16 unit of it. `negated`: with a minus before it. */
  | { readonly literal: SeenLiteral; readonly at: number; readonly negated?: true }
  /** `$n`. */
  | { readonly parameter: number }
  /** The members of IN (…) or ARRAY[…]. */
  | { readonly list: readonly Source[] }
  /** An array in one value: a parameter, or a text such as '{1,2}'. */
  | { readonly array: Source };

/** One statement of a text, as the parser saw it. Plain data: it goes from thread to thread. */
export interface Statement {
  readonly shape: string;
  /** One line without comments, with $1, $2 … in place of the values. */
  readonly text: string;
  /** In the order of the text. */
  readonly places: readonly Source[];
  /** The highest `$n`. */
  readonly parameters: number;
  /** Of the parse tree's root, such as `SelectStmt`. */
  readonly kind: string;
  readonly beside?: 'transactions' | 'settings';
  readonly sets?: { readonly setting: string; readonly value: string | null };
  readonly copies?: 'in' | 'out';
  /** Why no contract can have it. */
  readonly refusal?: string;
  /** Where the analyst was asked for it. */
  readonly touches?: Touches;
}

/** All of a text. */
export type Analysis =
  | {
      readonly statements: readonly Statement[];
      /** Of a comment: W3C trace context. */
      readonly trace?: string;
      /** What is found of it holds for it alone: with other literals it could be too large. */
      readonly isLarge?: true;
    }
  | { readonly why: string; readonly detail?: string };

/** Whoever looks at texts: here, or in a thread that has a deadline. It never throws for what a text is. */
export interface Analyst {
  analyse(text: string): Analysis | Promise<Analysis>;
}
