/** Keeps a session to the contract of its task: what starts in it, what programs are given, and what comes of them. */
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { ContractWatch } from '#core/tasks/contract-watch.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import { wantedOf } from '#core/tasks/input-deviations.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import type { ChannelStart, ContractStarts, ContractVerdict, ContractWait } from '../channels/gate.ts';
import { noCommand, seenCommandLine } from '../shapes/argv.ts';
import { type Input, ProgramWatch } from './program-watch.ts';

export interface ContractOptions {
  readonly task: TaskSession;
  /** The session cannot go on. */
  readonly end: (error: CustodyError) => void;
}

export function contractStarts({ task, end }: ContractOptions): ContractStarts {
  const watch = new ContractWatch(task.contract, task.facts);
  return { judge: (start, waiting) => judge(start, waiting, { task, end, watch }) };
}

interface Kept extends ContractOptions {
  readonly watch: ContractWatch;
}

/** One at a time: the connection holds the client until it is over. */
async function judge(start: ChannelStart, waiting: ContractWait, kept: Kept): Promise<ContractVerdict> {
  const { task, watch } = kept;
  const text = start.kind === 'exec' ? start.command : start.kind;
  const command = start.kind === 'exec' ? seenCommandLine(start.command) : noCommand(start.kind);
  let judged = watch.judge(command, task.elapsedMs());
  if (!judged.fits) {
    const outcome = await task.deviated(judged.deviation, { command: text, isAnswer: false, ...waiting });
    if (!outcome.goesOn) return outcome;
    // What is too late is the command that it is all the same.
    if (judged.deviation.kind === 'too-late') judged = watch.judge(command, 0);
  }
  await task.begin();
  if (judged.command === undefined) return { goesOn: true };
  watch.went(judged.command);
  return { goesOn: true, gate: programWatch(judged.command, text, kept) };
}

function programWatch(command: number, text: string, { task, watch, end }: Kept): ProgramWatch {
  const { contract } = task;
  const tell = async (deviations: readonly Deviation[]): Promise<void> => {
    for (const deviation of deviations) {
      const outcome = await task.deviated(deviation, { command: text, isAnswer: true });
      if (!outcome.goesOn) return end(outcome.error);
    }
  };
  return new ProgramWatch({
    name: contract.commands[command]!.declared.name,
    input: inputOf(command, task),
    passes: contract.declared.onDeviation === 'record',
    nowMs: () => task.elapsedMs(),
    answered: (answer) => {
      if (answer.outcome === 'failed') watch.undone(command);
      return watch.answered(command, answer);
    },
    deviate: (deviations) => void tell(deviations).catch((error: unknown) => end(asCustodyError(error))),
  });
}

/** What the command is to be given on its standard input. */
function inputOf(command: number, { contract, facts }: TaskSession): Input {
  const { name } = contract.commands[command]!.declared;
  const inputs = Object.values(contract.declared.inputs);
  const found = inputs.find(({ of, stream }) => of === name && stream === 'stdin');
  if (found === undefined) return { kind: 'none' };
  const [exactly] = wantedOf(found, facts);
  return exactly === undefined ? { kind: 'any' } : { kind: 'exactly', ...exactly };
}
