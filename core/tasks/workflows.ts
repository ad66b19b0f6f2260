import { createHash } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { CommandProtocol } from '../protocols/command-parts.ts';
import { LOAD_SHAPES } from '../protocols/shapes.ts';
import { type Contract, ContractMistake, compileContract } from './contract.ts';
import { type DeclaredTask, type DeclaredWorkflow, workflowSchema } from './schema.ts';
import type { CommandShapes } from './shapes.ts';

/** A workflow, with the canonical JSON (RFC 8785) of what the file says of it. */
export type WrittenWorkflow = DeclaredWorkflow & { readonly written: string };

/** A workflow, ready to be run. */
export interface Workflow {
  readonly name: string;
  /** SHA-256 of `text`: what a run, an open statement and a result name. */
  readonly digest: string;
  /** The declaration as it was written, as canonical JSON (RFC 8785): what a run is under, stored beside the recordings. */
  readonly text: string;
  readonly declared: DeclaredWorkflow;
  readonly tasks: ReadonlyMap<string, Task>;
}

export interface Task {
  readonly name: string;
  readonly declared: DeclaredTask;
  readonly protocol: CommandProtocol;
  readonly contract: Contract;
}

export type Workflows = ReadonlyMap<string, Workflow>;

/** Where workflows are declared, and what speaks which protocol. */
interface Declared {
  readonly workflows: ReadonlyMap<string, WrittenWorkflow>;
  readonly targets: ReadonlyMap<string, { readonly protocol: CommandProtocol }>;
}

/** Rejects with `ContractMistake`, whose path begins at the file's root. Loads nothing where there is no workflow. */
export async function compileWorkflows(file: Declared, load: LoadShapes = LOAD_SHAPES): Promise<Workflows> {
  const shapes = await shapesOf(file, load);
  const { workflows, targets } = file;
  return new Map([...workflows].map(([name, written]) => [name, compiled(name, written, targets, shapes)]));
}

/**
 * The workflow that a run was under, from the text that is stored of it. `targets`: the protocols of its targets. Rejects with
 * `format-invalid` for a text that is no workflow.
 */
export async function workflowFrom(
  name: string,
  text: string,
  targets: Declared['targets'],
  load: LoadShapes = LOAD_SHAPES,
): Promise<Workflow> {
  const parsed = workflowSchema.safeParse(parseJson(text));
  if (!parsed.success) throw noWorkflow(parsed.error.issues[0]?.message);
  const workflows = new Map([[name, { ...parsed.data, written: text }]]);
  try {
    return (await compileWorkflows({ workflows, targets }, load)).get(name)!;
  } catch (error) {
    throw error instanceof ContractMistake ? noWorkflow(error.message) : error;
  }
}

function noWorkflow(why = 'it is not as one is written'): CustodyError {
  return new CustodyError('format-invalid', `the workflow cannot be read: ${why}`);
}

/** What loads the parsers of commands, which takes a moment. */
export type LoadShapes = Readonly<Record<CommandProtocol, () => Promise<CommandShapes>>>;

type Loaded = ReadonlyMap<CommandProtocol, CommandShapes>;

async function shapesOf({ workflows, targets }: Declared, load: LoadShapes): Promise<Loaded> {
  const tasks = [...workflows.values()].flatMap((workflow) => Object.values(workflow.tasks));
  const names = new Set(tasks.map(({ target }) => protocolAt(target, targets)));
  return new Map(await Promise.all([...names].map(async (name) => [name, await load[name]()] as const)));
}

function protocolAt(target: string, targets: Declared['targets']): CommandProtocol {
  const found = targets.get(target);
  if (found === undefined) throw noWorkflow(`nobody knows what the target "${target}" speaks`);
  return found.protocol;
}

function compiled(
  name: string,
  { written: text, ...declared }: WrittenWorkflow,
  targets: Declared['targets'],
  shapes: Loaded,
): Workflow {
  const tasks = Object.entries(declared.tasks).map(([task, of]) => {
    const protocol = protocolAt(of.target, targets);
    const place = ['workflows', name, 'tasks', task, 'contract'];
    const contract = contractAt(place, of, shapes.get(protocol)!);
    return [task, { name: task, declared: of, protocol, contract }] as const;
  });
  return { name, digest: workflowDigest({ written: text }), text, declared, tasks: new Map(tasks) };
}

function contractAt(place: readonly string[], task: DeclaredTask, shapes: CommandShapes): Contract {
  try {
    return compileContract(task, shapes);
  } catch (error) {
    if (error instanceof ContractMistake) throw new ContractMistake([...place, ...error.path], error.message);
    throw error;
  }
}

/** What a run names it by. */
export function workflowDigest({ written }: Pick<WrittenWorkflow, 'written'>): string {
  return createHash('sha256').update(written).digest('hex');
}
