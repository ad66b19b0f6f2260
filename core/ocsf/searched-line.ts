import { canonicalEmail } from '../identity/email.ts';
import type { StepFacts } from '../replay/facts.ts';
import { personOf } from '../access/person.ts';
import type { CloseReason, OpenStatement } from '../recording/format.ts';
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
    about: canonicalJson(aboutOf(open, close.reason)),
  })}\n`;
}

function aboutOf(open: OpenStatement, reason: CloseReason): SearchedSession {
  const { session: id, startedAt, principal, target, task, device } = open;
  const run = task && { id: task.run, workflow: task.workflow, task: task.name };
  return {
    ...{ id, protocol: target.protocol, target: target.name, principal: personOf(principal) },
    ...{ startedAt: Date.parse(startedAt), reason },
    ...(run && { run }),
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
