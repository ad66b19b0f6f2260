/** A column that a target's `redact` names. */
export interface NamedColumn {
  /** As it was written, for marks. */
  readonly written: string;
  readonly name: string;
  readonly table: string | undefined;
}

/** `column`, `table.column` or `schema.table.column`, compared without regard to case: however it is quoted, it is the one. */
export function namedColumns(written: readonly string[]): readonly NamedColumn[] {
  return written.map((one) => {
    const parts = one.toLowerCase().split('.');
    return { written: one, name: parts.at(-1)!, table: parts.at(-2) };
  });
}

/** Those that a command can reach which touches these relations; all of them where nobody knows which it touches. */
export function reachable(
  columns: readonly NamedColumn[],
  relations: ReadonlySet<string> | undefined,
): readonly NamedColumn[] {
  if (relations === undefined || relations.size === 0) return columns;
  return columns.filter(({ table }) => table === undefined || relations.has(table));
}

/** The one with this very name. */
export function named(columns: readonly NamedColumn[], name: string): NamedColumn | undefined {
  const folded = name.toLowerCase();
  return columns.find((column) => column.name === folded);
}

/** The one that a text says somewhere, as a word: a name in a list, in dynamic SQL, as a key of JSON. */
export function saidIn(columns: readonly NamedColumn[], text: string): NamedColumn | undefined {
  if (columns.length === 0) return undefined;
  const folded = text.toLowerCase();
  return columns.find(({ name }) => hasWord(folded, name));
}

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (!isPart(text[at - 1]) && !isPart(text[at + word.length])) return true;
  return false;
}

function isPart(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_$]/u.test(character);
}

export function columnMark({ written }: NamedColumn): string {
  return `[redacted: column ${written}]`;
}
