/** Members of a contract as custody.yaml has them, in words. */
import { isPlainWord, shellWord } from '#core/replay/shell-word.ts';
import { shown } from './text.ts';

type Members = Readonly<Record<string, unknown>>;

export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Any value on one line: `min: 1, max: 3`. */
export function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordsOf).join(', ');
  const range = rangeOf(value);
  if (range !== undefined) return range;
  if (typeof value === 'object' && value !== null)
    return inOrder(Object.entries(value))
      .map(([name, member]) => `${shown(name)}: ${nested(member)}`)
      .join(', ');
  return shown(String(value));
}

function nested(value: unknown): string {
  return typeof value === 'object' && value !== null ? `(${wordsOf(value)})` : wordsOf(value);
}

/** `{ min: 1, max: 3 }`: `1 to 3`; undefined for anything else. */
function rangeOf(value: unknown): string | undefined {
  const { min, max, ...rest } = membersOf(value);
  if (Object.keys(rest).length > 0) return undefined;
  if (typeof min === 'number' && typeof max === 'number') return `${min} to ${max}`;
  if (typeof min === 'number') return `at least ${min}`;
  return typeof max === 'number' ? `at most ${max}` : undefined;
}

/** What is there besides the members of these names: nothing of a contract is kept from who approves it. */
export function besides(members: Members, known: readonly string[]): readonly (readonly [string, unknown])[] {
  return inOrder(Object.entries(members).filter(([name]) => !known.includes(name)));
}

/** In which people read them: who, where and when; of a value its type first. What is not among them stands as it came. */
const ORDER = [
  'target',
  'login',
  'by',
  'after',
  'within',
  'runs',
  'type',
  'from',
  'order',
  'allow',
  'onDeviation',
];

export function inOrder<Value>(
  members: readonly (readonly [string, Value])[],
): readonly (readonly [string, Value])[] {
  const place = (name: string): number => {
    const at = ORDER.indexOf(name);
    return at < 0 ? ORDER.length : at;
  };
  return members.toSorted(([one], [other]) => place(one) - place(other));
}

/** A command of a contract as a text, whichever protocol it is of. */
export function commandText(command: Members): string {
  const { statement, argv, call } = command;
  if (typeof statement === 'string') return statement.trimEnd();
  if (Array.isArray(argv)) return argv.map((word) => argument(String(word))).join(' ');
  const { verb, resource, ...rest } = membersOf(call);
  const more = Object.entries(rest).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  return [`${String(verb)} ${String(resource)}`, ...more].join('\n');
}

/** The place of a value, such as `$id`, stands as it is. */
function argument(word: string): string {
  return isPlainWord(word.replaceAll('$', '_')) ? word : shellWord(word);
}
