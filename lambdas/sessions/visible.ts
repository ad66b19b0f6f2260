import type { Action } from '#core/access/config.ts';
import { Authorization, decide, type Refusal } from '#core/access/decide.ts';
import { owns, sharesPeople } from '#core/access/own.ts';
import { isActedFor } from '#core/access/person.ts';
import type { SessionQuery, SessionRecord } from '#core/recording/session-index.ts';
import type { Asking } from '../asking.ts';

/** Permission for what was said in a session. */
export type ReadPermission = Authorization<'replay'> | Authorization<'export'> | Authorization<'rerun'>;

/** No target can have this name: for it, `decide` allows only by a rule that reaches every target. */
const EVERY_TARGET = '*';

/**
 * Queries of the catalog that together find what the caller may see in a list, and little else: their own sessions, and others'
 * where a rule allows to replay anybody's. So nobody pays for reading what they may not see.
 */
export function visibleQueries(asking: Asking, target: string | undefined): readonly ListQuery[] {
  const few = [...ownQueries(asking), ...approvedQueries(asking)];
  if (target !== undefined)
    return seesAll(asking, target) ? [{ target }] : few.map((own) => ({ target, ...own }));
  if (seesAll(asking, EVERY_TARGET)) return [{}];
  const names = [...asking.policy.targets.keys()].filter((name) => seesAll(asking, name));
  return [...few, ...names.map((name) => ({ target: name }))];
}

type ListQuery = Pick<SessionQuery, 'target' | 'subject' | 'person' | 'approver'>;

/** Where some rule lets whoever approved look; whether it is one for the caller, each session that is found is asked. */
function approvedQueries({ caller, policy }: Asking): readonly ListQuery[] {
  const { issuer, subject } = caller;
  const may = policy.rules.some(({ sessions, allow }) => allow !== undefined && sessions === 'approved');
  return may && !isActedFor(caller) ? [{ approver: { issuer, subject } }] : [];
}

/** Where the issuer shares people, also by the address. */
function ownQueries({ caller, policy }: Asking): readonly ListQuery[] {
  const { issuer, subject, email } = caller;
  const own = { subject: { issuer, subject } };
  return sharesPeople(caller, policy) ? [own, { person: email! }] : [own];
}

/** True for the caller's own sessions and for those that they may replay. */
export function isListed(session: SessionRecord, asking: Asking): boolean {
  return (
    (['replay', 'terminate'] as const).some((action) =>
      Authorization.isOne(decideFor(action, session, asking)),
    ) || isOwn(session, asking)
  );
}

/** True where the caller may know of a session that they name. */
export function isKnown(session: SessionRecord, asking: Asking): boolean {
  const ways = [
    mayRead(session, asking),
    ...(['terminate', 'rerun'] as const).map((action) => decideFor(action, session, asking)),
  ];
  return isOwn(session, asking) || ways.some((way) => Authorization.isOne(way));
}

/**
 * `replay` gives the bytes as `export` does: playing happens at the reader's. By the one that shows more; the refusal is that of
 * `replay`.
 */
export function mayRead(session: SessionRecord, asking: Asking): ReadPermission | Refusal {
  const replay = decideFor('replay', session, asking);
  if (Authorization.isOne(replay) && replay.unredacted) return replay;
  const exported = decideFor('export', session, asking);
  const isMore = Authorization.isOne(exported) && (exported.unredacted || !Authorization.isOne(replay));
  return isMore ? exported : replay;
}

/** To take it away is `export` alone, so that the ledger says what was done. Who may only look is told how. */
export function mayExport(session: SessionRecord, asking: Asking): Authorization<'export'> | Refusal {
  const exported = decideFor('export', session, asking);
  if (Authorization.isOne(exported) || 'code' in mayRead(session, asking)) return exported;
  return { ...exported, hint: `you may look at it: custody play ${session.id}` };
}

export function decideFor<A extends Action>(
  action: A,
  { target, principal: session, approvedBy: approvers = [] }: SessionRecord,
  { policy, caller, context, now }: Asking,
): Authorization<A> | Refusal {
  return decide({ policy, principal: caller, action, target, session, approvers, context, now });
}

/** Without a session, only a rule for anybody's sessions allows. */
function seesAll({ policy, caller: principal, context, now }: Asking, target: string): boolean {
  return (['replay', 'terminate'] as const).some((action) =>
    Authorization.isOne(decide({ policy, principal, action, target, context, now })),
  );
}

/** A person's, also through who acts for them; of who acts for somebody only their own. */
function isOwn({ principal }: SessionRecord, { caller, policy }: Asking): boolean {
  return owns(caller, principal, policy);
}
