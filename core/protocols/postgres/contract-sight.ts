/** How what a client sends is seen as commands; `shapes/commands.ts` does it. */
import type { SeenCommand, UnreadableCommand } from '#core/tasks/seen.ts';

/** How the server reads texts now. In a session that is a task it has to be so. */
export interface Reading {
  readonly utf8: boolean;
  readonly standardStrings: boolean;
}

export interface SeenStatement {
  readonly command: SeenCommand | UnreadableCommand;
  /** It passes where the contract allows such. */
  readonly beside?: 'transactions' | 'settings';
  readonly sets?: SetSetting;
  readonly copies?: 'in' | 'out';
}

/** `value` null: to its default. */
export interface SetSetting {
  readonly setting: string;
  readonly value: string | null;
}

/** Of a Parse message. */
export interface PreparedStatement {
  readonly isEmpty: boolean;
  readonly parameters: number;
  readonly copies?: 'in' | 'out';
  bind(
    formats: readonly number[],
    values: readonly (Uint8Array | null)[],
    described?: readonly number[],
  ): SeenStatement;
}

/** Neither throws nor rejects for what the text is. A promise only where the text has to be parsed. */
export interface CommandSight {
  query(text: Uint8Array, reading: Reading): readonly SeenStatement[] | Promise<readonly SeenStatement[]>;
  prepare(
    text: Uint8Array,
    oids: readonly number[],
    reading: Reading,
  ): PreparedStatement | Promise<PreparedStatement>;
}
