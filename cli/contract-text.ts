import { stringify } from 'yaml';
import { escapeTerminal } from '#core/replay/text.ts';

/** What the API says of tasks, by their names: as custody.yaml declares them. */
type Contracts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** In which people read it: who, where and when, then what it does and what comes of it. */
const ORDER = [
  ...['description', 'by', 'target', 'login', 'after', 'within', 'runs', 'contract'],
  ...['name', 'statement', 'argv', 'values', 'times', 'answers'],
  ...['does', 'order', 'allow', 'sets', 'inputs', 'outputs', 'onDeviation'],
];

/** Lines that a terminal can show: each task with its contract, in the words of the file. */
export function contractLines(contracts: Contracts): string[] {
  const text = stringify(contracts, { sortMapEntries: byOrder, lineWidth: 0, aliasDuplicateObjects: false });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${escapeTerminal(line)}`);
}

interface Entry {
  readonly key: unknown;
}

function byOrder(one: Entry, other: Entry): number {
  return placeOf(one) - placeOf(other);
}

function placeOf({ key }: Entry): number {
  const name = typeof key === 'object' && key !== null && 'value' in key ? key.value : key;
  const at = ORDER.indexOf(String(name));
  return at < 0 ? ORDER.length : at;
}
