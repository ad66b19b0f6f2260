/** Which values the commands of a contract are run with: those that were given, of the run's inputs, and of earlier outputs. */
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { GivenValues } from '#core/tasks/shapes.ts';
import { readGivenFile } from '../given-file.ts';
import type { ContractCommand, Run, RunTask } from '../runs-api.ts';

const VALUES_MAX_BYTES = 16 << 20;
const NAMED = /^(?:(?<command>[a-z0-9][a-z0-9_-]*)\.)?(?<hole>\$[1-9]\d?)=(?<value>.*)$/s;

type Value = string | null | readonly string[];
/** By their open places. */
type Row = Readonly<Record<string, Value>>;

/** What was given on the command line. */
export interface Given {
  /** For all commands, by `$1`, or for one, by `name.$1`. */
  readonly values: Readonly<Record<string, string>>;
  /** By the names of commands: each row is one time that it runs. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** Once for each row of an earlier output. */
  readonly each: boolean;
  /** Asks a person; undefined where there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

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

/** One entry for each time that the command runs. Rejects with `format-invalid`, which says what is missing and how to give it. */
export async function timesOf(
  command: ContractCommand,
  task: RunTask,
  run: Run,
  given: Given,
): Promise<readonly GivenValues[]> {
  const { name, values } = command;
  const holes = Object.keys(values);
  if (holes.length === 0) return once(command, given);
  const rows = given.rows[name];
  if (rows !== undefined) return Promise.all(rows.map((row) => whole(command, row, run, given)));
  const handed = handedRows(command, task, given);
  return Promise.all(handed.map((row) => whole(command, row, run, given)));
}

/** A command without open places runs as often as it has to; one that need not run, not at all. */
function once({ name, times: { min } }: ContractCommand, { rows }: Given): readonly GivenValues[] {
  return Array.from({ length: rows[name]?.length ?? min }, () => new Map());
}

async function whole(command: ContractCommand, row: Row, run: Run, given: Given): Promise<GivenValues> {
  const found = new Map<string, Value>();
  for (const hole of Object.keys(command.values))
    found.set(hole, await valueFor(command, hole, row, run, given));
  return found;
}

async function valueFor(
  { name, values }: ContractCommand,
  hole: string,
  row: Row,
  { inputs }: Run,
  { values: single, ask }: Given,
): Promise<Value> {
  const terms = values[hole]!;
  const typed = (text: string): Value => (terms.many === undefined ? text : text.split(','));
  const said = single[`${name}.${hole}`] ?? single[hole];
  if (said !== undefined) return typed(said);
  if (Object.hasOwn(row, hole)) return row[hole]!;
  const { input } = terms;
  if (input !== undefined && inputs !== undefined && Object.hasOwn(inputs, input)) return inputs[input]!;
  if (ask !== undefined)
    return typed(await ask(`${name} ${hole}${terms.many === undefined ? '' : ' (with commas)'}: `));
  throw new CustodyError('format-invalid', `there is no value for ${hole} of ${name}`, {
    hint: `give it: --value '${name}.${hole}=…', or many: --values @file.json`,
  });
}

/** Values of one row belong together: of an output that several places take from, each row is one time. */
function handedRows(command: ContractCommand, { handed = {} }: RunTask, given: Given): readonly Row[] {
  const origins = Object.entries(command.values).flatMap(([hole, { from, many }]) =>
    from === undefined || isGiven(command.name, hole, given) ? [] : [{ hole, many, ...originOf(from) }],
  );
  const outputs = [...new Set(origins.map(({ output }) => output))].filter((output) => handed[output]);
  if (outputs.length === 0) return [{}];
  const lists = Object.assign(
    {},
    ...origins.filter(({ many }) => many !== undefined).map((one) => listOf(one, handed)),
  ) as Row;
  const single = origins.filter(({ many }) => many === undefined);
  if (single.length === 0) return [lists];
  if (new Set(single.map(({ output }) => output)).size > 1)
    throw new CustodyError('format-invalid', `${command.name} takes values of several outputs`, {
      hint: 'say which belong together: --values @file.json',
    });
  const { columns, rows } = handed[single[0]!.output]!;
  if (rows.length > 1 && !given.each)
    throw new CustodyError(
      'format-invalid',
      `${single[0]!.output} has ${rows.length} rows for ${command.name}`,
      {
        hint: `--each runs it once for each, or choose: --value '${command.name}.${single[0]!.hole}=…'`,
      },
    );
  return rows.map((row) => ({
    ...lists,
    ...Object.fromEntries(single.map(({ hole, column }) => [hole, row[columns.indexOf(column)] ?? null])),
  }));
}

function isGiven(name: string, hole: string, { values }: Given): boolean {
  return Object.hasOwn(values, hole) || Object.hasOwn(values, `${name}.${hole}`);
}

function originOf(from: string): { readonly output: string; readonly column: string } {
  const [task, output, ...column] = from.split('.') as [string, string, ...string[]];
  return { output: `${task}.${output}`, column: column.join('.') };
}

function listOf(
  { hole, output, column }: { readonly hole: string; readonly output: string; readonly column: string },
  handed: NonNullable<RunTask['handed']>,
): Row {
  const { columns, rows } = handed[output] ?? { columns: [], rows: [] };
  const at = columns.indexOf(column);
  return { [hole]: [...new Set(rows.flatMap((row) => row[at] ?? []))] };
}
