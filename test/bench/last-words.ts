import { readFileSync } from 'node:fs';

const LINES = 5;

/** The end of a gateway's log, each on a line of its own, for whoever reads that it failed. */
export function lastWords(file: string): string {
  return ['', ...readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES)].join('\n');
}
