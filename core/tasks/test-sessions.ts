/** Recorded sessions against a workflow: what of them would deviate, before anybody is held to it. */
import type { ReplayFrame } from '../replay/step.ts';
import { compileContract } from './contract.ts';
import { RunDigests } from './digests.ts';
import { ContractReading, type FoundDeviation } from './result/contract-reading.ts';
import type { DeclaredTask } from './schema.ts';
import type { CommandShapes } from './shapes.ts';
import type { ValueFacts } from './values.ts';
import type { Task, Workflow } from './workflows.ts';

export interface TestedSession {
  /** The task that fits it best; the others, as well as they do. */
  readonly best: TestedTask;
  readonly others: readonly TestedTask[];
}

export interface TestedTask {
  readonly task: string;
  /** Commands of the session that were one of the contract's, and all that are not beside it. */
  readonly fitting: number;
  readonly commands: number;
  readonly deviations: readonly FoundDeviation[];
  readonly deviationsOmitted: number;
}

/**
 * Reads a session once for each task of its protocol, the one that fits best first: with the fewest deviations, then with the most
 * fitting commands. A recorded session is no part of a run, so whatever has to be from a run's inputs or from an earlier output may
 * be any value. `frames` gives them anew for each.
 */
export async function testSession(
  frames: () => AsyncIterable<ReplayFrame>,
  tasks: readonly Task[],
  shapes: CommandShapes,
): Promise<TestedSession | undefined> {
  const tested: TestedTask[] = [];
  for (const task of tasks) tested.push(await testTask(frames(), task, shapes));
  const [best, ...others] = tested.toSorted(byFit);
  return best === undefined ? undefined : { best, others };
}

/** The tasks that a session at this target can be. */
export function tasksAt({ tasks }: Workflow, target: string): readonly Task[] {
  return [...tasks.values()].filter(({ declared }) => declared.target === target);
}

async function testTask(
  frames: AsyncIterable<ReplayFrame>,
  { name, declared }: Task,
  shapes: CommandShapes,
): Promise<TestedTask> {
  const contract = compileContract(withoutOrigins(declared), shapes);
  const reading = new ContractReading(contract, NO_RUN);
  let last = 0;
  let [fitting, commands] = [0, 0];
  for await (const execution of shapes.executions(frames, reading.parts())) {
    const isOfContract = reading.take(execution) !== undefined;
    if (isOfContract) fitting += 1;
    if (isOfContract || !reading.isBeside(execution)) commands += 1;
    last = execution.at;
  }
  reading.finish(last);
  const { deviations, deviationsOmitted } = reading;
  return { task: name, fitting, commands, deviations, deviationsOmitted };
}

/** Nothing is digested, and nothing is from anywhere. */
const NO_RUN: ValueFacts = {
  inputs: new Map(),
  column: () => undefined,
  digests: new RunDigests(new Uint8Array(32)),
};

function withoutOrigins(task: DeclaredTask): DeclaredTask {
  const { contract } = task;
  const does = contract.does.map((command) => ({ ...command, values: anywhere(command.values) }));
  return { ...task, contract: { ...contract, does, sets: anywhere(contract.sets), inputs: {} } };
}

function anywhere<Terms extends { from?: unknown; input?: unknown }>(
  values: Readonly<Record<string, Terms>>,
): Record<string, Terms> {
  return Object.fromEntries(
    Object.entries(values).map(([place, terms]) => {
      const { from: _from, input: _input, ...rest } = terms;
      return [place, rest as Terms];
    }),
  );
}

function byFit(one: TestedTask, other: TestedTask): number {
  return deviationsOf(one) - deviationsOf(other) || other.fitting - one.fitting;
}

function deviationsOf({ deviations, deviationsOmitted }: TestedTask): number {
  return deviations.length + deviationsOmitted;
}
