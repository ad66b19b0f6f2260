/** What views and exports leave out of recordings: custody.yaml's `redact` of a target. Evidence is never touched. */
import type { JsonStep, ReadStep } from '../reader.ts';
import { READERS } from '../readers.ts';
import { LOAD_COLUMNS } from './load-columns.ts';
import { Patterns } from './patterns.ts';
import type { LeaveColumnsOut, RedactRules } from './rules.ts';
import { withoutPatterns } from './texts.ts';

export interface Redaction {
  /**
   * What may be seen of a step. It keeps its shape, and says `redacted: true` where something was left out. The same step again is
   * the same again.
   */
  json(step: JsonStep): JsonStep;
  /** The same for whoever shows words; the facts of it are of what may be seen. */
  step(read: ReadStep): ReadStep;
  /** A text that is no step's: patterns alone. */
  text(text: string): string;
  /** A terminal's output is not shown: a pattern may stand across its pieces, and across what moves the cursor. */
  readonly withholdsTerminal: boolean;
}

/** What `redact` of a target comes to; undefined where it leaves nothing out. Rules that do not compile are thrown as mistakes. */
export async function loadRedaction(
  protocol: string,
  rules: RedactRules | undefined,
): Promise<Redaction | undefined> {
  if (rules === undefined || rules.columns.length + rules.patterns.length === 0) return undefined;
  const load = rules.columns.length === 0 ? undefined : LOAD_COLUMNS.get(protocol);
  return redactionBy(protocol, new Patterns(rules.patterns), await load?.(rules.columns));
}

function redactionBy(
  protocol: string,
  patterns: Patterns,
  columns: LeaveColumnsOut = (step) => step,
): Redaction {
  const json = (step: JsonStep): JsonStep => {
    if (step['redacted'] === true) return step;
    const left = withoutPatterns(columns(step), patterns);
    return left === step ? step : { ...left, redacted: true };
  };
  return {
    json,
    step: (read) => {
      const step = read.toJson();
      const left = json(step);
      return left === step ? read : READERS.get(protocol)!.ofJson(left);
    },
    text: (text) => patterns.leaveOut(text),
    withholdsTerminal: !patterns.isEmpty,
  };
}
