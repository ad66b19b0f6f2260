import { Authorization, decide, isDisabled, isForeign } from '#core/access/decide.ts';
import { fitsSome } from '#core/access/whose.ts';
import { CustodyError } from '#core/errors.ts';
import type { DeclaredWorkflow } from '#core/tasks/schema.ts';
import { mayAdminister } from '../access/visible.ts';
import type { Asking } from '../asking.ts';

/** For who may start a run of it, run one of its tasks, look at what is done at its targets, or administer. */
export function mayKnow(declared: DeclaredWorkflow, asking: Asking): boolean {
  if (isShutOut(asking)) return false;
  const { caller, policy } = asking;
  const { startedBy = [], tasks } = declared;
  const selectors = [startedBy, ...Object.values(tasks).map(({ by }) => by)];
  return (
    selectors.some((some) => fitsSome(some, caller, policy)) ||
    targetsOf(declared).some((target) => mayReplayAll(target, asking)) ||
    mayAdminister(asking)
  );
}

export function isShutOut({ policy, caller }: Pick<Asking, 'policy' | 'caller'>): boolean {
  return isForeign(policy, caller) || isDisabled(policy, caller);
}

export function targetsOf({ tasks }: DeclaredWorkflow): readonly string[] {
  return [...new Set(Object.values(tasks).map(({ target }) => target))];
}

/** Anybody's sessions at a target. */
export function mayReplayAll(target: string, { policy, caller: principal, context, now }: Asking): boolean {
  return Authorization.isOne(decide({ policy, principal, action: 'replay', target, context, now }));
}

/** One that the caller may not know of answers like one that does not exist. */
export function noSuchWorkflow(): CustodyError {
  return new CustodyError('not-found', 'no such workflow', {
    hint: 'see those you may see: custody workflow list',
  });
}
