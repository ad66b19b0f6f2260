import { type Person, personOf } from '../access/person.ts';
import { canonicalEmail } from '../identity/email.ts';
import type { CloseStatement, OpenStatement } from '../recording/format.ts';
import type { StepFacts } from '../replay/facts.ts';
import type { SearchedSession } from '../search/entry.ts';
import { searchedTexts } from '../search/match.ts';
import { wordsOf } from '../search/words.ts';
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
  approvedBy: readonly Person[] = [],
): string {
  const { session, target, principal, task, device } = open;
  return `${canonicalJson({
    ...{ session, step: number, at: read.step.at, rules },
    ...{ target: target.name, protocol: target.protocol, outcome: close.reason },
    ...{
      issuer: principal.issuer,
      subject: principal.subject,
      email: principal.email && canonicalEmail(principal.email),
    },
    ...{ actors: principal.actors?.map(({ subject }) => subject) },
    ...{ device: device?.key, device_name: device?.name },
    ...{ workflow: task?.workflow, run: task?.run, task: task?.name },
    ...{ is_error: facts.isError, is_write: facts.isWrite },
    ...{ words: wordsIn(facts), facts: canonicalJson(facts) },
    approved_by: approvedBy.map(accountText),
    about: canonicalJson(searchedOf(open, close, approvedBy)),
  })}\n`;
}

/** An account as the column of approvers has it. */
export function accountText({ issuer, subject }: Pick<Person, 'issuer' | 'subject'>): string {
  return JSON.stringify([issuer, subject]);
}

/** The session by its statements; who approved it only the index of sessions knows. */
export function searchedOf(
  { session, startedAt, principal, target, task, device }: OpenStatement,
  { reason }: CloseStatement,
  approvedBy: readonly Person[] = [],
): SearchedSession {
  return {
    ...{ id: session, protocol: target.protocol, target: target.name, principal: personOf(principal) },
    ...(approvedBy.length === 0 ? {} : { approvedBy }),
    ...{ startedAt: Date.parse(startedAt), reason },
    ...(task && { run: { id: task.run, workflow: task.workflow, task: task.name } }),
    ...(device && {
      device: { key: device.key, ...(device.name !== undefined && { name: device.name }) },
    }),
  };
}

/** Each word once, between blanks. */
function wordsIn(facts: StepFacts): string {
  const words = new Set(searchedTexts(facts).flatMap(([, text]) => wordsOf(text)));
  return ` ${[...words].join(' ')} `;
}
