/** What left a contract. */

export const deviationKinds = [
  /** The contract has no command of this shape. */
  'not-in-contract',
  /** No shape can be made of it: it does not parse, or is too long to be looked at. */
  'unreadable',
  /** A value is not what it may be. */
  'value',
  /** A value is not from where it has to be from. */
  'origin',
  'too-often',
  'out-of-order',
  /** The answer is not what was expected. */
  'rows',
  'affected',
  'columns',
  'error',
  'slow',
  /** What was given to a command is not the input that it has to be. */
  'input',
  /** At the end: a command ran less often than it has to, or an output is not there. */
  'missing',
  /** The task's or the run's time was over. */
  'too-late',
  /** A task before it has not kept its contract yet. */
  'too-early',
  /** The task ran as often as it may. */
  'ran-already',
  /** A setting that may not be set, or not to that. */
  'setting',
] as const;
export type DeviationKind = (typeof deviationKinds)[number];

export interface Deviation {
  readonly kind: DeviationKind;
  /** Of the contract, where it is about one. */
  readonly command?: string;
  /** For the client, the reviewer and the auditor alike: what was expected, and what was seen. No value of a command is in it. */
  readonly expected: string;
  readonly seen: string;
}

/** In one line. */
export function deviationWords({ expected, seen }: Deviation): string {
  return `${seen}; the contract has ${expected}`;
}
