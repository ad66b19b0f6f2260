/** The figures of one run as they are written down: one row a line, and no more digits than mean something. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Goal, Row } from './report.ts';

const DIGITS = 4;

export interface Results {
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly node: string;
    readonly date: string;
  };
  /** What the run was told, as far as it means something on another machine. */
  readonly run: Readonly<Record<string, unknown>>;
  readonly goals: readonly Goal[];
  readonly rows: readonly Row[];
}

export function thisMachine(): Results['machine'] {
  const date = new Date().toISOString().slice(0, 10);
  return { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version, date };
}

export function writeResults(file: string, results: Results): void {
  writeFileSync(file, resultsText(results));
}

export function readResults(file: string): Results {
  const read = JSON.parse(readFileSync(file, 'utf8'), (_, value: unknown) =>
    value === null ? Number.NaN : value,
  );
  return read as Results;
}

export function resultsText({ machine, run, goals, rows }: Results): string {
  const head = { machine, run };
  const parts = Object.entries(head).map(([name, value]) => `"${name}": ${compact(value)}`);
  const list = (name: string, all: readonly unknown[]): string =>
    `"${name}": [\n${all.map((one) => `  ${compact(one)}`).join(',\n')}\n]`;
  return `{\n${[...parts, list('goals', goals), list('rows', rows)].join(',\n')}\n}\n`;
}

/** NaN, which JSON has no word for, becomes null, and is NaN again when it is read. */
function compact(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'number' && Number.isFinite(part) ? Number(part.toPrecision(DIGITS)) : part,
  );
}
