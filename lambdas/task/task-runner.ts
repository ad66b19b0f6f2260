/** Runs the contract's own commands through the gateway, as `custody run exec` does, and waits for the result. */
import { CustodyError } from '#core/errors.ts';
import type { CommandProtocol } from '#core/protocols/command-parts.ts';
import { type Done, execute, type Planned } from '#core/tasks/exec/execute.ts';
import type { Executor } from '#core/tasks/exec/executor.ts';
import { timesOf } from '#core/tasks/exec/times.ts';
import type { CustodyApi, ShownRun, ShownTarget, ShownTask } from './custody-api.ts';
import type { Order, TaskOrder } from './order.ts';

/** Opens one session that is the task, through the gateway. */
export type OpenSession = (target: ShownTarget, as: NamedTask) => Promise<Executor>;

export interface NamedTask {
  readonly run: string;
  readonly task: string;
  readonly trace?: string | undefined;
  readonly user: string;
  readonly token: string;
}

export interface TaskPorts {
  readonly api: CustodyApi;
  /** A fresh one about who runs this. */
  readonly token: () => Promise<string>;
  /** By protocols: those whose tasks it can run. */
  readonly sessions: Readonly<Partial<Record<CommandProtocol, OpenSession>>>;
  readonly subjectOf: (token: string) => string;
  /** W3C traceparent of this call, if there is one. */
  readonly trace: () => string | undefined;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** What a state machine goes on with. No data: that is in the recording, and what a contract keeps the next task gets from the run. */
export type Answer =
  | { readonly run: string }
  | {
      readonly run: string;
      readonly task: string;
      readonly session: string;
      readonly verdict: 'kept';
      readonly state: ShownRun['state'];
      readonly commands: readonly {
        readonly command: string;
        readonly rows?: number;
        readonly affected?: number;
      }[];
    };

const LOOK_MS = 500;
const LOOKS = 240;
/** A session without a command leaves nothing to wait for. */
const LOOKS_WITHOUT = 3;

/** Rejects with `contract-deviation` where the task left its contract, and with what it was that went wrong otherwise. */
export async function carryOut(order: Order, ports: TaskPorts): Promise<Answer> {
  if (!('start' in order)) return runTask(order, ports);
  const { start: workflow, key, inputs } = order;
  const trace = ports.trace();
  const run = await ports.api.start({ workflow, inputs, ...(trace === undefined ? {} : { trace }) }, key);
  return { run: run.id };
}

async function runTask(order: TaskOrder, ports: TaskPorts): Promise<Answer> {
  const run = await ports.api.run(order.run);
  const task = taskOf(run, order.task);
  const plan: Planned[] = [];
  const given = { values: order.values, rows: order.rows, each: order.each, ask: undefined };
  for (const command of task.does)
    for (const values of await timesOf(command, task, run, given)) plan.push({ command, values });
  const target = await ports.api.target(task.target);
  const executor = await opened(order, target, ports);
  let all: readonly Done[];
  try {
    all = await execute(plan, target.protocol as CommandProtocol, executor, async () => undefined);
  } finally {
    await executor.end();
  }
  return resultOf(order, run, all, ports);
}

function taskOf({ tasks }: ShownRun, name: string): ShownTask {
  const found = tasks.find((task) => task.name === name);
  if (found !== undefined) return found;
  throw new CustodyError('not-found', `the run has no task ${name}`);
}

async function opened(
  { run, task }: TaskOrder,
  target: ShownTarget,
  { sessions, token: fresh, subjectOf, trace }: TaskPorts,
): Promise<Executor> {
  const open = sessions[target.protocol as CommandProtocol];
  if (open === undefined)
    throw new CustodyError(
      'unsupported',
      `${target.name} speaks ${target.protocol}, which this function does not`,
      {
        hint: 'run this task with custody run task, such as in a container',
      },
    );
  const token = await fresh();
  return open(target, { run, task, token, user: subjectOf(token), trace: trace() });
}

async function resultOf(
  order: TaskOrder,
  before: ShownRun,
  all: readonly Done[],
  ports: TaskPorts,
): Promise<Answer> {
  const failed = all.at(-1)?.error;
  const { run, execution, stopped } = await settled(order, before, ports);
  if (execution?.verdict === 'deviated' || (execution === undefined && stopped !== undefined))
    throw new CustodyError('contract-deviation', failed?.message ?? `${order.task} left its contract`, {
      hint: failed?.hint ?? `custody run show ${run.id}`,
    });
  if (failed !== undefined) throw failed;
  if (execution?.verdict === undefined)
    throw new CustodyError('too-slow', `${order.task} has no result yet`, {
      hint: `custody run show ${run.id}`,
    });
  const commands = all.map(({ command, answer: { rows, affected } = {} }) => ({
    command,
    ...(rows === undefined ? {} : { rows: rows.length }),
    ...(affected === undefined ? {} : { affected }),
  }));
  const { session } = execution;
  return { run: run.id, task: order.task, session, verdict: 'kept', state: run.state, commands };
}

/** Looks until what this call did has its result. */
async function settled({ task }: TaskOrder, before: ShownRun, { api, sleep }: TaskPorts) {
  const was = taskOf(before, task);
  const known = new Set([...was.executions, ...was.stopped].map(({ session }) => session));
  for (let looks = 1; ; looks += 1) {
    const run = await api.run(before.id);
    const { executions, stopped } = taskOf(run, task);
    const execution = executions.findLast(({ session }) => !known.has(session));
    const isOver = execution === undefined ? looks >= LOOKS_WITHOUT : execution.verdict !== undefined;
    if (isOver || looks >= LOOKS)
      return { run, execution, stopped: stopped.findLast(({ session }) => !known.has(session)) };
    await sleep(LOOK_MS);
  }
}
