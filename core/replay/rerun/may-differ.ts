/** What a person says may differ, besides what the statements themselves explain. */
import { CustodyError } from '#core/errors.ts';

const WORDS = ['now', 'sequence', 'notice', 'order', 'setting', 'message', 'transaction'] as const;
type Word = (typeof WORDS)[number];

export interface MayDiffer {
  readonly words: ReadonlySet<Word>;
  /** Names of columns, in lower case. */
  readonly columns: ReadonlySet<string>;
}

export const NOTHING_MORE: MayDiffer = { words: new Set(), columns: new Set() };

/** Of `column=name`, and of words. Throws `usage-invalid`-like `config-invalid` for anything else. */
export function readMayDiffer(rules: readonly string[]): MayDiffer {
  const columns = rules
    .filter((rule) => rule.startsWith('column='))
    .map((rule) => rule.slice(7).toLowerCase());
  const words = rules.filter((rule) => !rule.startsWith('column='));
  const unknown =
    words.find((word) => !(WORDS as readonly string[]).includes(word)) ?? columns.find((c) => c === '');
  if (unknown !== undefined)
    throw new CustodyError(
      'config-invalid',
      `nothing is called ${unknown || 'column='} that could be ignored`,
      {
        hint: `there are: column=NAME, ${WORDS.join(', ')}`,
      },
    );
  return { words: new Set(words as Word[]), columns: new Set(columns) };
}
