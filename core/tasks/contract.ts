import type { DeclaredCommand, DeclaredContract, DeclaredTask } from './schema.ts';
import { type CommandShapes, type DeclaredShape } from './shapes.ts';
import { ValuePlace } from './values.ts';

/** A command of a contract with its shape. */
export interface ContractCommand {
  readonly declared: DeclaredCommand;
  readonly shape: DeclaredShape;
  /** By the names of its open places. */
  readonly places: ReadonlyMap<string, ValuePlace>;
  /** The names of those that stand in it more than once. */
  readonly repeated: ReadonlySet<string>;
}

/** A task's contract, ready to be kept. */
export interface Contract {
  readonly declared: DeclaredContract;
  /** How long the task may take, milliseconds. */
  readonly withinMs: number;
  readonly commands: readonly ContractCommand[];
  /** The commands of each shape, by their index. */
  readonly byShape: ReadonlyMap<string, readonly number[]>;
  readonly settings: ReadonlyMap<string, ValuePlace>;
}

/** What is wrong with a contract that only its compiling shows, and where under it. */
export class ContractMistake extends Error {
  override readonly name = 'ContractMistake';
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** Throws `ContractMistake`: a command does not parse, an open place without terms, a pattern that is none. */
export function compileContract({ contract, within }: DeclaredTask, shapes: CommandShapes): Contract {
  const commands = contract.does.map((declared, at) => compileCommand(declared, at, shapes));
  const byShape = new Map<string, number[]>();
  for (const [at, { shape }] of commands.entries())
    byShape.set(shape.shape, [...(byShape.get(shape.shape) ?? []), at]);
  for (const name of Object.keys(contract.sets))
    if (shapes.maySet?.(name) !== true)
      throw new ContractMistake(
        ['sets', name],
        'is no setting that a task may set: commands could mean something else by it',
      );
  const settings = Object.entries(contract.sets).map(
    ([name, terms]) => [name.toLowerCase(), placeAt(['sets', name], terms)] as const,
  );
  return { declared: contract, withinMs: within, commands, byShape, settings: new Map(settings) };
}

function compileCommand(declared: DeclaredCommand, at: number, shapes: CommandShapes): ContractCommand {
  const path = ['does', at];
  const shape = attempt(path, () => shapes.declare(declared));
  const holes = shape.places.flatMap((place) => ('hole' in place ? [place.hole] : []));
  for (const hole of holes)
    if (!Object.hasOwn(declared.values, hole))
      throw new ContractMistake([...path, 'values'], `says nothing of ${hole}`);
  const unused = Object.keys(declared.values).find((hole) => !holes.includes(hole));
  if (unused !== undefined)
    throw new ContractMistake([...path, 'values', unused], 'is no open place of the command');
  const places = Object.entries(declared.values).map(
    ([hole, terms]) => [hole, placeAt([...path, 'values', hole], terms)] as const,
  );
  const repeated = holes.filter((hole, index) => holes.indexOf(hole) !== index);
  return { declared, shape, places: new Map(places), repeated: new Set(repeated) };
}

function placeAt(path: readonly (string | number)[], terms: DeclaredCommand['values'][string]): ValuePlace {
  return attempt([...path, 'pattern'], () => new ValuePlace(terms));
}

function attempt<T>(path: readonly (string | number)[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ContractMistake(path, error instanceof Error ? error.message : String(error));
  }
}
