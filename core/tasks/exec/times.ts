/** Which values the commands of a contract are run with: those that were given, of the run's inputs, and of earlier outputs. */
import { CustodyError } from '../../errors.ts';
import type { GivenValues } from '../shapes.ts';
import type { ShownCommand } from './execute.ts';

type Value = string | null | readonly string[];
/** By their open places. */
export type Row = Readonly<Record<string, Value>>;

/** What was given for one execution of a task. */
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

/** What the API shows of a task's and of its run, as far as values come from there. */
interface Handing {
  readonly handed?:
    | Readonly<
        Record<
          string,
          { readonly columns: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] }
        >
      >
    | undefined;
}
interface Started {
  readonly inputs?: Readonly<Record<string, string | null>> | undefined;
}

/** One entry for each time that the command runs. Rejects with `format-invalid`, which says what is missing and how to give it. */
export async function timesOf(
  command: ShownCommand,
  task: Handing,
  run: Started,
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
function once({ name, times: { min } }: ShownCommand, { rows }: Given): readonly GivenValues[] {
  return Array.from({ length: rows[name]?.length ?? min }, () => new Map());
}

async function whole(command: ShownCommand, row: Row, run: Started, given: Given): Promise<GivenValues> {
  const found = new Map<string, Value>();
  for (const hole of Object.keys(command.values))
    found.set(hole, await valueFor(command, hole, row, run, given));
  return found;
}

async function valueFor(
  { name, values }: ShownCommand,
  hole: string,
  row: Row,
  { inputs }: Started,
  { values: single, ask }: Given,
): Promise<Value> {
  const said = single[`${name}.${hole}`] ?? single[hole];
  if (said !== undefined) return said;
  if (Object.hasOwn(row, hole)) return row[hole]!;
  const { input } = values[hole]!;
  if (input !== undefined && inputs !== undefined && Object.hasOwn(inputs, input)) return inputs[input]!;
  if (ask !== undefined) return ask(`${name} ${hole}: `);
  throw new CustodyError('format-invalid', `there is no value for ${hole} of ${name}`, {
    hint: `give it: --value '${name}.${hole}=…', or many: --values @file.json`,
  });
}

/** Values of one row belong together: of an output that several places take from, each row is one time. */
function handedRows(command: ShownCommand, { handed = {} }: Handing, given: Given): readonly Row[] {
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
  handed: NonNullable<Handing['handed']>,
): Row {
  const { columns, rows } = handed[output] ?? { columns: [], rows: [] };
  const at = columns.indexOf(column);
  return { [hole]: [...new Set(rows.flatMap((row) => row[at] ?? []))] };
}
