/** What somebody is about to ask for, before it is sent. */
import type { AskBody, Terms } from '../api/requests.ts';
import type { Target } from '../api/types.ts';

export interface Draft {
  readonly reason: string;
  readonly ticket: string;
  readonly seconds: number;
  /** Undefined: any commands. */
  readonly statements: readonly string[] | undefined;
  readonly run: string;
  readonly task: string;
  /** Of a broken glass: that its consequences were read. */
  readonly isSure: boolean;
}

const HOUR_S = 3_600;
/** The longest that is proposed by itself. */
const USUAL_S = HOUR_S;

export function draftFor(terms: Terms, given: Partial<Draft> = {}): Draft {
  const seconds = Math.min(given.seconds ?? USUAL_S, terms.maxDurationSeconds);
  return {
    reason: '',
    ticket: '',
    run: '',
    task: '',
    isSure: false,
    ...given,
    seconds: Math.max(1, seconds),
    statements: terms.statements === 'exact' ? (given.statements ?? ['']) : given.statements,
  };
}

/** What is still missing, each as a member of the draft and what to do; empty where it can be sent. */
export function missing(draft: Draft, terms: Terms): Readonly<Partial<Record<keyof Draft, string>>> {
  const isGiven = (text: string): boolean => text.trim() !== '';
  return {
    ...(terms.reason === 'required' && !isGiven(draft.reason) ? { reason: 'Say why.' } : {}),
    ...(terms.ticket === 'required' && !isGiven(draft.ticket) ? { ticket: 'Name the ticket.' } : {}),
    ...(terms.for === 'run' && !isGiven(draft.run) ? { run: 'Name the run.' } : {}),
    ...(draft.statements !== undefined && !draft.statements.some(isGiven)
      ? { statements: 'Write at least one command.' }
      : {}),
    ...(terms.breakGlass && !draft.isSure ? { isSure: 'Confirm it.' } : {}),
  };
}

export function bodyOf({ name }: Pick<Target, 'name'>, { rule, breakGlass }: Terms, draft: Draft): AskBody {
  const text = (member: 'reason' | 'ticket' | 'run' | 'task') => {
    const given = draft[member].trim();
    return given === '' ? {} : { [member]: given };
  };
  const statements = draft.statements?.filter((one) => one.trim() !== '');
  return {
    target: name,
    rule,
    durationSeconds: draft.seconds,
    ...text('reason'),
    ...text('ticket'),
    ...text('run'),
    ...text('task'),
    ...(statements === undefined ? {} : { statements }),
    ...(breakGlass ? { breakGlass } : {}),
  };
}

/** Durations that people ask for, up to the longest that there is; the longest itself is the last. */
export function presets(maxSeconds: number): readonly number[] {
  const usual = [900, HOUR_S, 4 * HOUR_S, 8 * HOUR_S, 24 * HOUR_S].filter((seconds) => seconds < maxSeconds);
  return [...usual, maxSeconds];
}

/** The same key for the same text, another for another: however often a button is pressed, what was asked for is asked for once. */
export class OnceKeys {
  #last: { readonly text: string; readonly key: string } | undefined;

  keyOf(body: AskBody): string {
    const text = JSON.stringify(body);
    if (this.#last?.text !== text) this.#last = { text, key: crypto.randomUUID() };
    return this.#last.key;
  }
}
