import type { JsonStep } from '../reader.ts';

/** `redact` of a target, as the configuration has it. */
export interface RedactRules {
  /** `column` or `table.column`. */
  readonly columns: readonly string[];
  /** Regular expressions (RE2). */
  readonly patterns: readonly string[];
}

/** Leaves values of columns out of a protocol's steps. It never throws for what a step says. */
export type LeaveColumnsOut = (step: JsonStep) => JsonStep;
