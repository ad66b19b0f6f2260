import type { CloseStatement, OpenStatement } from '../recording/format.ts';
import { canonicalJson } from '../tasks/canonical-json.ts';
import type { EventSession } from './session-parts.ts';
import type { EventStep } from './step-event.ts';

/**
 * A step as it is searched: what a query names in columns; and the session and the facts as texts, by which whoever asked judges anew.
 * `rules`: of what was left out.
 */
export function searchedLine(
  { open: { value: open }, close: { value: close } }: EventSession,
  { number, read, facts }: EventStep,
  rules: string,
): string {
  const { session, target, principal, task, device } = open;
  return `${canonicalJson({
    ...{ session, step: number, at: read.step.at, rules },
    ...{ target: target.name, protocol: target.protocol, outcome: close.reason },
    ...{ issuer: principal.issuer, subject: principal.subject, email: principal.email },
    ...{ actors: principal.actors?.map(({ subject }) => subject) },
    ...{ device: device?.key, device_name: device?.name },
    ...{ workflow: task?.workflow, run: task?.run, task: task?.name },
    ...{ is_error: facts.isError, is_write: facts.isWrite },
    ...{ about: canonicalJson(aboutOf(open, close)), facts: canonicalJson(facts) },
  })}\n`;
}

/** The session as search knows it (core/search/entry.ts). */
function aboutOf(
  { session, startedAt, principal, target, task, device }: OpenStatement,
  { reason }: CloseStatement,
) {
  const { issuer, subject, email, actors } = principal;
  return {
    ...{ id: session, protocol: target.protocol, target: target.name, reason },
    principal: { issuer, subject, email, actors },
    startedAt: Date.parse(startedAt),
    run: task && { id: task.run, workflow: task.workflow, task: task.name },
    device: device && { key: device.key, name: device.name },
  };
}
