import { readFileSync } from 'node:fs';
import { parseJson } from '#core/json.ts';

/** Of this custody, as its package has it. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (parseJson(text) as { readonly version: string }).version;
}
