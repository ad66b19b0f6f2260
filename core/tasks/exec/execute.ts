/** The contract's own commands, in its order, in one session. */
import { asCustodyError, type CustodyError } from '../../errors.ts';
import type { CommandProtocol } from '../../protocols/command-parts.ts';
import { LOAD_SHAPES } from '../../protocols/shapes.ts';
import type { DeclaredCommand } from '../schema.ts';
import type { CommandShapes, GivenValues } from '../shapes.ts';
import type { Executed, Executor } from './executor.ts';

/** As the API shows it, which says times in other words. */
export type ShownCommand = Omit<DeclaredCommand, 'answers'> & {
  readonly answers: { readonly error: string };
};

/** One command with its values. */
export interface Planned {
  readonly command: ShownCommand;
  readonly values: GivenValues;
}

export interface Done {
  readonly command: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly answer?: Executed;
  readonly error?: CustodyError;
}

/** `report` is told of each as it is done. Stops at the first that fails, with its error as the last. */
export async function execute(
  plan: readonly Planned[],
  protocol: CommandProtocol,
  executor: Executor,
  report: (done: Done) => Promise<void>,
): Promise<readonly Done[]> {
  const shapes = await LOAD_SHAPES[protocol]();
  const all: Done[] = [];
  for (const planned of plan) {
    const done = await one(planned, shapes, executor);
    all.push(done);
    await report(done);
    if (done.error !== undefined) break;
  }
  return all;
}

async function one({ command, values }: Planned, shapes: CommandShapes, executor: Executor): Promise<Done> {
  const done = { command: command.name, values: Object.fromEntries(values) };
  try {
    return { ...done, answer: await executor.run(shapes.render(declared(command), values)) };
  } catch (thrown) {
    return { ...done, error: asCustodyError(thrown) };
  }
}

function declared({ answers, ...command }: ShownCommand): DeclaredCommand {
  return { ...command, answers: { error: answers.error === 'any' ? 'any' : 'none' } };
}
