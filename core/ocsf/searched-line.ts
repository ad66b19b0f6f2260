import { canonicalJson } from '../tasks/canonical-json.ts';
import type { EventSession } from './session-parts.ts';
import type { EventStep } from './step-event.ts';

/**
 * A step as it is searched: what a query names in columns, and the facts as a text, which a query looks for words in and whoever asked
 * judges anew.
 */
export function searchedLine(
  { open: { value: open }, close: { value: close } }: EventSession,
  step: EventStep,
): string {
  const { session, startedAt, target, principal, task, device } = open;
  const { number, read, facts } = step;
  return `${canonicalJson({
    ...{ session, step: number, at: read.step.at, started_at: startedAt, ended_at: close.endedAt },
    ...{ outcome: close.reason, target: target.name, protocol: target.protocol },
    ...{ issuer: principal.issuer, subject: principal.subject, email: principal.email },
    ...{ actors: principal.actors?.map(({ subject }) => subject), device: device?.key },
    ...{ workflow: task?.workflow, run: task?.run, task: task?.name },
    ...{ is_error: facts.isError, is_write: facts.isWrite, facts: JSON.stringify(facts) },
  })}\n`;
}
