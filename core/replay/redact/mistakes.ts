import { COMMAND_KEYS, type CommandProtocol } from '../../protocols/command-parts.ts';
import { compilePattern, PatternMistake } from './patterns.ts';
import type { RedactRules } from './rules.ts';

export interface RedactMistake {
  /** From the file's root. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Targets = Readonly<
  Record<string, { readonly protocol: CommandProtocol; readonly redact?: RedactRules | undefined }>
>;

/** What is wrong with `redact` of targets, each at its place in the file. */
export function redactMistakes(targets: Targets): readonly RedactMistake[] {
  return Object.entries(targets).flatMap(([name, { protocol, redact }]) =>
    redact === undefined
      ? []
      : ofRules(redact, protocol).map(({ path, message }) => ({
          path: ['targets', name, 'redact', ...path],
          message,
        })),
  );
}

function ofRules({ columns, patterns }: RedactRules, protocol: CommandProtocol): RedactMistake[] {
  const found = patterns.flatMap((pattern, at) => ofPattern(pattern, ['patterns', at]));
  if (columns.length > 0 && COMMAND_KEYS[protocol] !== 'statement')
    found.push({ path: ['columns'], message: `a session of ${protocol} has no columns: write patterns` });
  for (const [at, column] of columns.entries())
    if (!column.split('.').every((part) => part !== ''))
      found.push({ path: ['columns', at], message: 'expected column, or table.column' });
  return found;
}

function ofPattern(pattern: string, path: readonly (string | number)[]): RedactMistake[] {
  try {
    compilePattern(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof PatternMistake)) throw error;
    return [{ path, message: `is no regular expression of RE2: ${error.message}` }];
  }
}
