/** What is looked for, as the address has it and the API takes it. */

export const FIELDS = [
  { name: 'statement', label: 'Statement like', hint: 'SELECT * FROM orders WHERE id = 7' },
  { name: 'relation', label: 'Table or function', hint: 'orders:written' },
  { name: 'value', label: 'Value, to the letter', hint: '4711' },
  { name: 'command', label: 'Command', hint: 'systemctl restart' },
  { name: 'file', label: 'File or folder', hint: '/etc/passwd' },
  { name: 'code', label: 'Code', hint: '23505' },
  { name: 'person', label: 'Person', hint: 'dana@example.com' },
  { name: 'target', label: 'Target', hint: 'orders-db' },
  { name: 'run', label: 'Run', hint: 'id of a run' },
] as const;

/** Of these one is to be given; others only narrow what is found by them. */
export const FLAGS = [
  { name: 'errors', label: 'Errors alone' },
  { name: 'writes', label: 'Writes alone' },
] as const;

const OTHERS = [
  'text',
  'since',
  'until',
  'outcome',
  'session',
  'workflow',
  'task',
  'protocol',
  'device',
] as const;

export type Terms = Readonly<Record<string, string>>;

export function termsOf(query: Terms): Terms {
  const names: readonly string[] = [
    ...FIELDS.map(({ name }) => name),
    ...FLAGS.map(({ name }) => name),
    ...OTHERS,
  ];
  return Object.fromEntries(
    names.filter((name) => (query[name] ?? '').trim() !== '').map((name) => [name, query[name]!.trim()]),
  );
}

export function isAsked(terms: Terms): boolean {
  return Object.keys(terms).length > 0;
}

/** Fields besides the text are open where one of them is used. */
export function hasMore(terms: Terms): boolean {
  return Object.keys(terms).some((name) => name !== 'text');
}

/** Words of what is looked for that an excerpt is marked by. */
export function markedWords(terms: Terms): readonly string[] {
  const text = terms['text'] ?? '';
  const phrases = [...text.matchAll(/"([^"]+)"|(\S+)/g)].map(([, phrase, word]) => phrase ?? word!);
  const names = ['command', 'file', 'value', 'code'].map((name) => terms[name]);
  const relation = terms['relation']
    ?.replace(/:(?:read|written|called)$/, '')
    .split('.')
    .at(-1);
  return [...phrases, ...names, relation].filter((word): word is string => word !== undefined && word !== '');
}

/** A text with the parts that are one of `words`, whatever their case. */
export function markedParts(
  text: string,
  words: readonly string[],
): readonly { readonly text: string; readonly isMarked: boolean }[] {
  if (words.length === 0) return [{ text, isMarked: false }];
  const escaped = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return text
    .split(new RegExp(`(${escaped.join('|')})`, 'giu'))
    .map((part, at) => ({ text: part, isMarked: at % 2 === 1 }))
    .filter((part) => part.text !== '');
}
