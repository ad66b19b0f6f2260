/** Values for the commands of a contract, as the command line has them. */
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { parseJson } from '#core/json.ts';
import type { Given } from '#core/tasks/exec/times.ts';
import { readGivenFile } from '../given-file.ts';

const VALUES_MAX_BYTES = 16 << 20;
const NAMED = /^(?:(?<command>[a-z0-9][a-z0-9_-]*)\.)?(?<hole>\$[1-9]\d?)=(?<value>.*)$/s;

/** `$1=4711`, `pay-back.$1=4711`; for commander, several times. */
export function readValue(text: string, before: Given['values'] = {}): Given['values'] {
  const { command, hole, value } = NAMED.exec(text)?.groups ?? {};
  if (hole === undefined || value === undefined)
    throw new InvalidArgumentError(
      "It must be '$1=value', or 'command.$1=value' (in quotes: shells read the $).",
    );
  return { ...before, [command === undefined ? hole : `${command}.${hole}`]: value };
}

const valueOf = z.union([z.string(), z.null(), z.number().transform(String), z.boolean().transform(String)]);
const rowSchema = z.record(
  z.string(),
  z.union([valueOf, z.array(z.union([z.string(), z.number().transform(String)]))]),
);
const rowsSchema = z.record(z.string(), z.union([z.array(rowSchema), rowSchema.transform((row) => [row])]));

/** `@file.json`, or the JSON itself: `{"pay-back": [{"$1": "4711", "$2": "12.50"}]}`. */
export function readRows(text: string): Given['rows'] {
  const json = text.startsWith('@') ? readGivenFile(text.slice(1), VALUES_MAX_BYTES) : text;
  try {
    return rowsSchema.parse(parseJson(json));
  } catch {
    throw new InvalidArgumentError(
      'It must be JSON such as {"command": [{"$1": "value"}]}, or @file with it.',
    );
  }
}
