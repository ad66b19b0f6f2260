import type { Contract } from '#core/tasks/contract.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import type { SeenCommand, UnreadableCommand } from '#core/tasks/seen.ts';
import type { PreparedStatement, SeenStatement } from './contract-sight.ts';

/** A command that goes on, or went on, and what has come back of it. */
export class Going {
  readonly seen: SeenStatement;
  /** Its index in the contract; undefined for what passes beside. */
  readonly at: number | undefined;
  readonly #text: () => string;
  /** What the contract says of its answer. */
  readonly expects: DeclaredCommand['answers'] | undefined;
  /** More rows than that are too many. */
  readonly maxRows: number;
  rows = 0;
  columns: readonly string[] | undefined;
  /** When it went on, on the session's clock. */
  since = 0;
  /** How long it ran before it was suspended. */
  spentMs = 0;
  /** Kinds of deviations of its answer that were told. */
  readonly told: string[] = [];
  /** Nothing more of it comes. */
  over = false;

  constructor(seen: SeenStatement, at: number | undefined, text: () => string, contract: Contract) {
    this.seen = seen;
    this.at = at;
    this.#text = text;
    this.expects = at === undefined ? undefined : contract.commands[at]!.declared.answers;
    this.maxRows = this.expects?.rows?.max ?? Infinity;
  }

  get command(): SeenCommand | UnreadableCommand {
    return this.seen.command;
  }

  /** All of it, for reviewers. */
  get text(): string {
    return this.#text();
  }
}

/** What a name for a prepared statement stands for. */
export interface Prepared {
  readonly text: Uint8Array;
  readonly statement: PreparedStatement;
  /** As ParameterDescription had them. */
  types?: readonly number[];
  columns?: readonly string[];
}

/** What a portal's name stands for. */
export interface Portal {
  readonly prepared: Prepared;
  readonly seen: SeenStatement;
  readonly text: () => string;
  columns?: readonly string[] | undefined;
  /** Once it has been run: to run it again goes on with the same. */
  run?: Going;
}

/** What the target answers to a piece, one after the other. */
export type Step =
  /** `open`: nobody knows how many commands are in it: until ReadyForQuery. */
  | { readonly kind: 'run'; readonly run: Going; readonly portal?: Portal; readonly open?: true }
  | { readonly kind: 'parse'; readonly name: string; readonly prepared: Prepared }
  | { readonly kind: 'bind'; readonly name: string; readonly portal: Portal }
  | { readonly kind: 'describe'; readonly of: Prepared | Portal | undefined }
  | { readonly kind: 'close'; readonly isPortal: boolean; readonly name: string }
  /** A query without a command, or a portal of one. */
  | { readonly kind: 'nothing' };
