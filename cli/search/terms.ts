import type { SearchTerms } from './api.ts';

/** What `custody search` was given. */
export interface SearchOptions {
  readonly person?: string;
  readonly target?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly session?: string;
  readonly workflow?: string;
  readonly run?: string;
  readonly task?: string;
  readonly outcome?: string;
  readonly device?: string;
  readonly protocol?: string;
  readonly statement?: string;
  readonly shape?: string;
  readonly table?: string;
  readonly value?: string;
  readonly command?: string;
  readonly file?: string;
  readonly code?: string;
  readonly errors?: true;
  readonly writes?: true;
}

/** Each argument of several words is words next to each other. */
export function termsOf(words: readonly string[], options: SearchOptions): SearchTerms {
  const { since, until, table, errors, writes, ...same } = sessionOptions(options);
  return {
    ...same,
    since: since?.toISOString(),
    until: until?.toISOString(),
    relation: table,
    errors: errors && 'true',
    writes: writes && 'true',
    text: words.length === 0 ? undefined : words.map(quoted).join(' '),
  };
}

function quoted(words: string): string {
  return /\s/.test(words) ? `"${words.replaceAll('"', ' ')}"` : words;
}

/** Without those that say how it is shown. */
function sessionOptions(options: SearchOptions): SearchOptions {
  const { person, target, since, until, session, workflow, run, task, outcome, device, protocol } = options;
  const { statement, shape, table, value, command, file, code, errors, writes } = options;
  const all = {
    ...{ person, target, since, until, session, workflow, run, task, outcome, device, protocol },
    ...{ statement, shape, table, value, command, file, code, errors, writes },
  };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined));
}

/** Of a session that is not in the search: what its record says. Undefined where only the search knows. */
export function selectsBySteps(options: SearchOptions): boolean {
  const { statement, shape, table, command, file, code, errors, writes, device } = options;
  return [statement, shape, table, command, file, code, errors, writes, device].some(
    (one) => one !== undefined,
  );
}
