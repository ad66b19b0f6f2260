import type { Api } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { type Execution, getRun, type Run } from '../runs-api.ts';
import { waitUntil } from '../wait.ts';
import { taskOf } from './known-run.ts';
import { deviationLines } from './show-run.ts';

/** How long a result takes at most where all is well: a recording is sealed within seconds of its end. */
export const RESULT_MS = 60_000;

/** What came of a task that somebody ran here. */
export interface Outcome {
  readonly run: Run;
  /** The session; absent where none has begun the task since. */
  readonly execution?: Execution;
  /** A deviation that kept it from beginning. */
  readonly stopped?: Run['tasks'][number]['stopped'][number];
}

/** Looks until the newest execution of the task that `before` did not have has its result. */
export async function awaitResult(
  cli: Cli,
  api: Api,
  before: Run,
  name: string,
  ms = RESULT_MS,
): Promise<Outcome> {
  const known = sessionsOf(before, name);
  let looks = 0;
  return waitUntil(
    cli,
    ms,
    async () => {
      looks += 1;
      const run = await getRun(api, before.id);
      const { executions, stopped } = taskOf(run, name);
      const execution = executions.findLast(({ session }) => !known.has(session));
      const refusal = stopped.findLast(({ session }) => !known.has(session));
      return {
        run,
        ...(execution === undefined ? {} : { execution }),
        ...(refusal === undefined ? {} : { stopped: refusal }),
      };
    },
    // A session that ran no command is no execution: it leaves nothing to wait for.
    ({ execution }) => (execution === undefined ? looks > 2 : execution.verdict !== undefined),
  );
}

function sessionsOf(run: Run, name: string): ReadonlySet<string> {
  const { executions, stopped } = taskOf(run, name);
  return new Set([...executions, ...stopped].map(({ session }) => session));
}

export const DEVIATED = 3;
export const NOT_DERIVED = 4;

export const OUTCOME_CODES = `
Exit codes: those of the client; where it says 0: 0 the task kept its contract, 3 it left it, 4 its result is not there yet.
A command that is refused says what the contract has in its place, and what to do next.`;

/** Says it, to the person and in the exit code: never 0 where the task has not kept its contract. */
export function sayOutcome(
  cli: Cli,
  name: string,
  { run, execution, stopped }: Outcome,
  clientCode: number,
): void {
  const code = (ours: number): void => cli.exitWith(clientCode === 0 ? ours : clientCode);
  if (execution === undefined) {
    if (stopped === undefined) say(cli, `${name}: no command was run, so the task has not begun`);
    else say(cli, `${name}: stopped before it began (${stopped.kind}): custody play ${stopped.session}`);
    return code(stopped === undefined ? 0 : DEVIATED);
  }
  const { session, verdict } = execution;
  if (verdict === undefined) {
    say(cli, `${name}: its result is not there yet: custody run show ${run.id} --wait`);
    return code(NOT_DERIVED);
  }
  say(cli, `${name}: ${verdict === 'kept' ? 'kept its contract' : 'left its contract'} (session ${session})`);
  for (const line of deviationLines(name, execution)) say(cli, `  ${line}`);
  return code(verdict === 'kept' ? 0 : DEVIATED);
}
