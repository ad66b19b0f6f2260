import { CustodyError } from '../errors.ts';
import type { Contract } from './contract.ts';
import { RunDigests } from './digests.ts';
import type { Run } from './run.ts';
import { keptBy } from './run-state.ts';
import type { OutputDigests, RunOutputs } from './store.ts';
import type { ValueFacts } from './values.ts';

/**
 * What the values and inputs of a contract are compared with: of each earlier task that it names, the newest execution that kept its
 * contract. Rejects with `task-refused` where that one's outputs are not there yet: nothing would fit, and nothing may go unlooked at.
 */
export async function factsOf(
  contract: Contract,
  run: Run,
  key: Uint8Array,
  outputs: Pick<RunOutputs, 'get'>,
): Promise<ValueFacts> {
  const earlier = new Map<string, OutputDigests>();
  for (const task of originsOf(contract)) earlier.set(task, await newest(task, run, outputs));
  const parted = (origin: string) => {
    const [task, ...rest] = origin.split('.') as [string, ...string[]];
    return { of: earlier.get(task), name: rest.join('.') };
  };
  return {
    inputs: new Map(Object.entries(run.inputs)),
    column: (origin) => {
      const { of, name } = parted(origin);
      return of?.columns.get(name);
    },
    stream: (origin) => {
      const { of, name } = parted(origin);
      return of?.streams.get(name);
    },
    digests: new RunDigests(key),
  };
}

/** The tasks before it that a contract takes something from. */
function originsOf({ declared: { does, inputs, sets } }: Contract): ReadonlySet<string> {
  const terms = [...does.flatMap(({ values }) => Object.values(values)), ...Object.values(sets)];
  const origins = [...terms, ...Object.values(inputs)].flatMap(({ from }) => from ?? []);
  return new Set(origins.map((origin) => origin.split('.')[0]!));
}

async function newest(task: string, run: Run, outputs: Pick<RunOutputs, 'get'>): Promise<OutputDigests> {
  const execution = keptBy(run, task).at(-1);
  const found = execution && (await outputs.get(run.id, execution.session));
  if (found !== undefined) return found;
  throw new CustodyError('task-refused', `what the task ${task} put out is not there yet`, {
    hint: `wait a moment, and see: custody run show ${run.id}`,
  });
}
