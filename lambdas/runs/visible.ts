import { Authorization, decide } from '#core/access/decide.ts';
import { owns } from '#core/access/own.ts';
import type { Person } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { namedByToken } from '#core/tasks/names.ts';
import type { Run } from '#core/tasks/run.ts';
import type { DeclaredWorkflow } from '#core/tasks/schema.ts';
import { mayAdminister } from '../access/visible.ts';
import type { Asking } from '../asking.ts';
import { isShutOut, mayKnow, mayReplayAll, targetsOf } from '../workflows/visible.ts';

/** A token for one task is for its run alone. Otherwise: who started it, and whoever may know of its workflow. */
export function isVisible(run: Run, declared: DeclaredWorkflow, asking: Asking): boolean {
  if (isShutOut(asking)) return false;
  const bound = namedByToken(asking.caller);
  if (bound !== undefined && bound.run !== run.id) return false;
  return isOwn(run, asking) || mayKnow(declared, asking);
}

/** A person's, also through who acts for them; of who acts for somebody only what they started themselves. */
export function isOwn({ startedBy }: Pick<Run, 'startedBy'>, { caller, policy }: Asking): boolean {
  return owns(caller, startedBy, policy);
}

/** What a run was started with: for who gave it, and for auditors. */
export function seesInputs(run: Run, declared: DeclaredWorkflow, asking: Asking): boolean {
  return isOwn(run, asking) || targetsOf(declared).every((target) => mayReplayAll(target, asking));
}

/** A result says what was done in a session, as a replay does. */
export function seesResult(target: string, operator: Person, asking: Asking): boolean {
  const { policy, caller: principal, context, now } = asking;
  return Authorization.isOne(
    decide({ policy, principal, action: 'replay', target, session: operator, context, now }),
  );
}

/** Who started it, who may end anybody's sessions at its targets, and who administers. A token for one task ends nothing. */
export function mayEnd(run: Run, declared: DeclaredWorkflow, asking: Asking): boolean {
  if (isShutOut(asking) || namedByToken(asking.caller) !== undefined) return false;
  return (
    isOwn(run, asking) ||
    mayAdminister(asking) ||
    targetsOf(declared).every((target) => mayTerminateAll(target, asking))
  );
}

function mayTerminateAll(target: string, { policy, caller: principal, context, now }: Asking): boolean {
  return Authorization.isOne(decide({ policy, principal, action: 'terminate', target, context, now }));
}

/** A run that the caller may not know of answers like one that does not exist. */
export function noSuchRun(): CustodyError {
  return new CustodyError('not-found', 'no such run', { hint: 'see those you may see: custody run list' });
}
