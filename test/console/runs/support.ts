import type { Execution, RunTask } from '../../../console/api/runs.ts';

/** A task as the API has it, of which a test says what matters to it. */
export function aTask(name: string, more: object): RunTask {
  return {
    name,
    target: 'db',
    after: [],
    withinSeconds: 60,
    runs: 1,
    mayRun: true,
    order: 'any',
    allow: ['transactions', 'settings'],
    onDeviation: 'stop',
    does: [],
    sets: {},
    inputs: {},
    outputs: {},
    state: 'ready',
    waitsFor: [],
    left: 1,
    executions: [],
    stopped: [],
    ...more,
  };
}

let sessions = 0;

/** A session that was the task; with a result where one is given. */
export function executed(result?: object): Execution {
  sessions += 1;
  const session = `019aaf3e-6d1c-7a61-9f43-${String(sessions).padStart(12, '0')}`;
  const startedAt = '2026-11-29T10:00:00.000Z';
  if (result === undefined) return { session, startedAt };
  const empty = { commands: [], commandsOmitted: 0, deviations: [], lineage: [], inputs: [], outputs: [] };
  return { session, startedAt, verdict: 'kept', detail: { verdict: 'kept', session, ...empty, ...result } };
}
