/** A command as it was seen, whatever its protocol: on the path before it goes on, and in a recording afterwards. */

/**
 * What a literal was written as, or the type that a client declared for a bind value. `any`: a bind value, or a word of a command line,
 * whose type the receiver chooses.
 */
export type LiteralKind = 'integer' | 'number' | 'text' | 'boolean' | 'uuid' | 'date' | 'timestamp' | 'any';

/** One value; null is NULL. */
export interface SeenLiteral {
  readonly kind: LiteralKind;
  /** In the form that `values.ts` compares; undefined of `text` is never: what cannot be read makes the command unreadable. */
  readonly text: string | null;
}

/** What stands at one open place: one value, or the members of a list. */
export type SeenValue = SeenLiteral | { readonly list: readonly SeenLiteral[] };

/** A command by what it does: two texts of one shape differ in values, white space and comments alone. */
export interface SeenCommand {
  /** SHA-256, in lower-case hexadecimal, of the command's canonical form without its values. */
  readonly shape: string;
  /** For people: one line, with `$1`, `$2` … in place of the values. */
  readonly text: string;
  /** As often as the shape has places for one, in their order. */
  readonly values: readonly SeenValue[];
  /** W3C trace context that a comment of the command names (sqlcommenter). */
  readonly trace?: string;
}

/** Of what no shape can be made: it matches nothing. */
export interface UnreadableCommand {
  /** For people. The beginning of it, at most. */
  readonly text: string;
  /** `does not parse`, `is longer than …`. */
  readonly why: string;
}

export function isReadable(command: SeenCommand | UnreadableCommand): command is SeenCommand {
  return 'shape' in command;
}

/** What came back of a command. */
export interface SeenAnswer {
  /** `refused`: it never reached the target. `skipped`: the target passed over it. `unfinished`: the session was over before. */
  readonly outcome: 'completed' | 'failed' | 'refused' | 'skipped' | 'unfinished';
  /** SQLSTATE, exit status or the like. */
  readonly error?: string;
  /** Rows that came back; absent where the command gives none. */
  readonly rows?: number;
  /** Rows that it changed. */
  readonly affected?: number;
  readonly columns?: readonly string[];
  /** Milliseconds from when it went on until its answer was complete. */
  readonly tookMs: number;
  /** Its transaction was rolled back. */
  readonly undone?: true;
  /** SHA-256 (hex) and number of the bytes of each stream that it had. */
  readonly streams?: Readonly<Partial<Record<StreamKind, SeenBytes>>>;
}

export type StreamKind = 'copy' | 'stdin' | 'stdout' | 'stderr';

export interface SeenBytes {
  readonly sha256: string;
  readonly bytes: number;
}
