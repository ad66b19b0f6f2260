import { displayWidth, escapeTerminal } from '#core/replay/text.ts';

/** Rows under their headings, in columns two spaces apart; safe for a terminal. */
export function listing(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return new Columns().lines([headings, ...rows]);
}

/** Rows that come a few at a time: columns only grow. */
export class Columns {
  readonly #widths: number[] = [];

  lines(rows: readonly (readonly string[])[]): string {
    const cells = rows.map((row) => row.map(escapeTerminal));
    for (const row of cells) {
      for (const [at, text] of row.entries()) {
        this.#widths[at] = Math.max(this.#widths[at] ?? 0, displayWidth(text));
      }
    }
    return cells
      .map((row) =>
        row
          .map((text, at) => this.#padded(text, at))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }

  #padded(text: string, at: number): string {
    return text + ' '.repeat(this.#widths[at]! - displayWidth(text));
  }
}

/** One `name  value` a line, without those that have no value; safe for a terminal. */
export function facts(values: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${escapeTerminal(value!)}`);
}

/** An account by what names it, and who says so. */
export function accountText({
  subject,
  issuer,
}: {
  readonly subject: string;
  readonly issuer: string;
}): string {
  return `${subject} at ${issuer}`;
}

/** 1893 → `1.8 KiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** 1, `segment` → `1 segment`. */
export function counted(count: number, what: string, plural = `${what}s`): string {
  return `${count} ${count === 1 ? what : plural}`;
}

/** The target as somebody came to it: with the login, where they chose one. */
export function targetText({
  target,
  login,
}: {
  readonly target: string;
  readonly login?: string | undefined;
}): string {
  return login === undefined ? target : `${login}@${target}`;
}
