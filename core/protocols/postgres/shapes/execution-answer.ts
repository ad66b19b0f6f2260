import type { ShownReport, Step } from '#core/replay/postgres/step.ts';
import type { SeenAnswer } from '#core/tasks/seen.ts';
import type { Heard } from './execution-tap.ts';

/** How the gateway ends a session. */
const FATAL = 'FATAL';

/** What came back of a command, by its step. */
export function answerOf(step: Step, isRefused: boolean, { copied, answer }: Heard): SeenAnswer {
  const { error, tag = '', took } = step;
  const outcome = outcomeOf(step, isRefused);
  const columns = step.columns?.map(({ name }) => name);
  const rows = rowsOf(step, answer.rowCount);
  const affected = affectedOf(tag);
  return {
    outcome,
    tookMs: Math.round(took / 1000),
    ...(error !== undefined && { error: error.sqlstate }),
    ...(rows !== undefined && { rows }),
    ...(affected !== undefined && { affected }),
    ...(columns !== undefined && { columns }),
    ...(copied !== undefined && { streams: { copy: { sha256: copied.sha256, bytes: copied.bytes } } }),
  };
}

function outcomeOf({ outcome, error }: Step, isRefused: boolean): SeenAnswer['outcome'] {
  switch (outcome) {
    case 'failed':
      return isRefused ? 'refused' : isEnd(error) ? 'unfinished' : 'failed';
    case 'skipped':
      return isRefused ? 'refused' : 'skipped';
    case 'completed':
    case 'suspended':
    case 'empty':
      return 'completed';
    default:
      return isRefused ? 'refused' : 'unfinished';
  }
}

/** The session ended while it ran. */
function isEnd(error: ShownReport | undefined): boolean {
  return error?.severity === FATAL || error?.severity === 'PANIC';
}

/** Absent where the command gives none. */
function rowsOf({ columns, tag = '' }: Step, came: number): number | undefined {
  return columns !== undefined || came > 0 || tag.startsWith('SELECT') ? came : undefined;
}

const AFFECTED = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$/;

function affectedOf(tag: string): number | undefined {
  const count = AFFECTED.exec(tag)?.[1];
  return count === undefined ? undefined : Number(count);
}
