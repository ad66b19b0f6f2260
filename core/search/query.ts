/** What is looked for. All of its terms hold of one step, and of the session that it is in. */

export interface SearchQuery extends SessionTerms, StepTerms {}

export interface SessionTerms {
  readonly session?: string;
  /** A subject, of who acted for them too, or an e-mail address. */
  readonly person?: string;
  readonly target?: string;
  readonly protocol?: string;
  readonly workflow?: string;
  /** Id of a run. */
  readonly run?: string;
  /** Name of a task of a workflow. */
  readonly task?: string;
  /** Why it ended: a close statement's reason. */
  readonly outcome?: string;
  /** The device key's fingerprint, or its name. */
  readonly device?: string;
}

export interface StepTerms {
  /** When it began: milliseconds since 1970; not before, and before. */
  readonly since?: number;
  readonly until?: number;
  /** Each of them stands somewhere in the step, next to each other within one text: `wordsOf` has one word, or several. */
  readonly phrases?: readonly string[];
  /** A digest, lower-case hex, of the command or of what its name stands for. */
  readonly shape?: string;
  readonly relation?: RelationTerm;
  /** To the letter: a bind value, a constant, a value that came back. */
  readonly value?: string;
  /** Words that stand next to each other in what was asked, and not in what came back. */
  readonly command?: string;
  /** A path, the last part of one, or a folder with a `/` at its end. */
  readonly file?: string;
  /** Whatever its letter case is. */
  readonly code?: string;
  readonly errorsOnly?: boolean;
  readonly writesOnly?: boolean;
}

export interface RelationTerm {
  /** With a schema, the bare name is found as well: it may be that one. Without, it is found in every schema. */
  readonly name: string;
  /** `called`: functions and procedures. Without it, whichever it is. */
  readonly how?: 'read' | 'written' | 'called';
}

/** Of one query. */
export const TERMS_MAX = 32;
/** Characters of one term. */
export const TERM_MAX = 1024;

/** Whether it says anything of steps: without, every step of the sessions is found. */
export function hasStepTerms(query: SearchQuery): boolean {
  const { phrases = [], shape, relation, value, command, file, code, errorsOnly, writesOnly } = query;
  return (
    phrases.length > 0 ||
    errorsOnly === true ||
    writesOnly === true ||
    [shape, relation, value, command, file, code].some((term) => term !== undefined)
  );
}
