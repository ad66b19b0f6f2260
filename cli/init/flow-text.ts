import { stringify } from 'yaml';

/** A text within a line. */
export function flow(text: string): string {
  return stringify(text, {
    lineWidth: 0,
    defaultStringType: /[,[\]{}]/.test(text) ? 'QUOTE_SINGLE' : 'PLAIN',
  }).trim();
}
