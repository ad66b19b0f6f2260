import type { CustodyError } from '#core/errors.ts';
import { ContractSession } from '#core/protocols/postgres/contract-session.ts';
import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';
import { maySet, meaningFor } from '#core/protocols/postgres/meaning.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import { settingDeviation } from '#core/tasks/setting-deviations.ts';
import type { GateTerms } from './gate-terms.ts';

/** The longest that a timer of node's can be. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What a session goes by that is a task of a run. */
export function contractTerms(target: PostgresTarget, task: TaskSession, sight: CommandSight): GateTerms {
  const { contract, facts } = task;
  const settings = meaningFor(target);
  return {
    what: 'this session is a task with a contract',
    settings,
    beside: contract.declared.allow,
    allowsSetting: (setting, value) =>
      maySet(setting) && settingDeviation(contract, { setting, value }, facts) === undefined,
    gate: (hands) =>
      new ContractSession(task, sight, settings, {
        ...hands,
        end: (error) => hands.end(reasonOf(error), error),
        now: () => performance.now(),
        later,
      }),
  };
}

function reasonOf({ code }: CustodyError): CloseReason {
  switch (code) {
    case 'contract-deviation':
      return 'deviated';
    case 'protocol-violation':
      return code;
    case 'internal':
      return 'gateway-failed';
    default:
      return 'not-approved';
  }
}

/** Calls `work` once; not when what it returns is called before. */
function later(ms: number, work: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number): void => {
    const part = Math.min(left, TIMER_MAX_MS);
    timer = setTimeout(() => (part < left ? wait(left - part) : work()), part);
    timer.unref();
  };
  wait(ms);
  return () => clearTimeout(timer);
}
