/** What may happen to a request. Pure: each function says which steps are to be added, or throws why none are. */
import { CustodyError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import { recordedPrincipal } from '../recording/statements.ts';
import { isApproved, reviewerGroups } from './approvals.ts';
import type { Rule } from './config.ts';
import type { Authorization } from './decide.ts';
import { durationText } from './duration.ts';
import { type Issuers, owns } from './own.ts';
import {
  isActedFor,
  mayBeSamePerson,
  mayHaveAsked,
  nameOf,
  type Person,
  personOf,
  samePerson,
} from './person.ts';
import {
  type AccessRequest,
  type AskedDeviation,
  type AskedRun,
  digestOf,
  type NamedStatement,
  needsReview,
  type RequestState,
  type Step,
  type StepOf,
  stateOf,
  stepOf,
} from './request.ts';

/** What somebody asks for, in their words. */
export interface Ask {
  readonly reason?: string;
  readonly ticket?: string;
  /** Milliseconds; the longest that the rule gives when not given. */
  readonly durationMs?: number;
  readonly statements?: readonly NamedStatement[];
  /** Only for sessions of this run. */
  readonly run?: AskedRun;
}

/** A new request. With a broken glass its grant is its first step. Throws `format-invalid` for what the rule does not give. */
export function newRequest(
  permission: Authorization<'request'>,
  ask: Ask,
  id: string,
  now: Date,
): AccessRequest {
  const { terms } = permission;
  const { reason, ticket, statements, run } = checked(ask, terms);
  const breakGlass = terms.breakGlass !== undefined;
  const durationMs = durationWithin(ask, terms);
  const pendingMs = terms.approval?.pendingFor ?? 0;
  const question = {
    ...asker(permission),
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    durationMs,
    ...(statements === undefined ? {} : { statements }),
    ...(run === undefined ? {} : { run }),
    breakGlass,
    createdAt: now.toISOString(),
    pendingUntil: later(now, pendingMs),
  };
  const steps: Step[] = breakGlass ? [granted(now, durationMs)] : [];
  return { ...question, id, digest: digestOf(question), steps };
}

/**
 * A request that a command goes on which the contract does not have: it waits as long as the contract says. Throws `internal` for
 * permission to ask for something else.
 */
export function newDeviationRequest(
  permission: Authorization<'request'>,
  deviation: AskedDeviation,
  id: string,
  now: Date,
): AccessRequest {
  const { review, context } = permission;
  const { run, workflow, task } = context.task ?? {};
  const isOther = run !== deviation.run || workflow !== deviation.workflow || task !== deviation.task;
  if (review === undefined || isOther)
    throw new CustodyError('internal', 'the permission is for another task', { detail: deviation.session });
  const question = {
    ...asker(permission),
    durationMs: review.maxDuration,
    deviation,
    breakGlass: false,
    createdAt: now.toISOString(),
    pendingUntil: later(now, review.pendingFor),
  };
  return { ...question, id, digest: digestOf(question), steps: [] };
}

function asker({ principal, target, rule, policyVersion }: Authorization<'request'>) {
  return { requester: named(principal), target: target.name, rule, policy: policyVersion };
}

/** A reviewer's decision. Throws `internal` for permission to decide about something else. With the approval that was missing the grant begins: its clock starts here. */
export function judge(
  request: AccessRequest,
  permission: Authorization<'approve'>,
  verdict: 'approved' | 'denied',
  comment: string | undefined,
  now: Date,
): readonly Step[] {
  const { principal } = permission;
  refuseOther(request, permission);
  // An address that nobody has verified keeps somebody from a second approval, and nobody from a denial.
  const earlier = decisionBy(request, principal, verdict === 'denied' ? samePerson : mayBeSamePerson);
  if (earlier?.kind === verdict) return [];
  if (earlier !== undefined) throw conflict(`you have ${earlier.kind} this request already`);
  if (request.breakGlass)
    throw conflict('a broken glass needs no approval: review it', `custody review ${request.id}`);
  const state = stateOf(request, now);
  if (state !== 'pending') throw conflict(`the request is not pending any more: ${WORDS[state]}`);
  const approval = permission.review!;
  const step: Step = {
    at: now.toISOString(),
    kind: verdict,
    by: named(principal),
    groups: reviewerGroups(approval, principal),
    ...(comment === undefined ? {} : { comment }),
  };
  if (verdict === 'denied') return [step];
  const approvals = [...approvalsOf(request), step];
  // The rule may give less by now than when it was asked for.
  const durationMs = Math.min(request.durationMs, approval.maxDuration);
  return isApproved(approval, approvals) ? [step, granted(now, durationMs)] : [step];
}

/**
 * The requester needs it no more: a pending request is withdrawn, a grant returned. Throws `access-denied` for anybody else.
 * `issuers`: those that may share people; each has its own where it is left out.
 */
export function giveBack(
  request: AccessRequest,
  caller: Person,
  now: Date,
  issuers: Issuers = { issuers: [] },
): readonly Step[] {
  refuseOthers(request, caller, issuers);
  const state = stateOf(request, now);
  if (state === 'withdrawn' || state === 'returned') return [];
  if (state !== 'pending' && !isGiven(state))
    throw conflict(`there is nothing to give back: ${WORDS[state]}`);
  const kind = state === 'pending' ? 'withdrawn' : 'returned';
  return [{ at: now.toISOString(), kind, by: named(caller) }];
}

/** A reviewer takes a grant back. */
export function revoke(
  request: AccessRequest,
  permission: Authorization<'approve'>,
  comment: string | undefined,
  now: Date,
): readonly Step[] {
  refuseOther(request, permission);
  const state = stateOf(request, now);
  if (state === 'revoked') return [];
  if (state === 'pending') throw conflict('it is not granted yet: deny it', `custody deny ${request.id}`);
  if (!isGiven(state)) throw conflict(`there is no grant to revoke: ${WORDS[state]}`);
  const by = named(permission.principal);
  return [{ at: now.toISOString(), kind: 'revoked', by, ...(comment === undefined ? {} : { comment }) }];
}

/** A reviewer has looked at what was done with a broken glass. */
export function review(
  request: AccessRequest,
  permission: Authorization<'approve'>,
  verdict: 'justified' | 'unjustified',
  comment: string | undefined,
  now: Date,
): readonly Step[] {
  const { principal } = permission;
  refuseOther(request, permission);
  if (!request.breakGlass) throw conflict('only the use of a broken glass is reviewed afterwards');
  const done = request.steps.find((step): step is StepOf<'reviewed'> => step.kind === 'reviewed');
  if (done?.verdict === verdict && samePerson(done.by, principal)) return [];
  if (!needsReview(request))
    throw conflict(`it was reviewed already, by ${nameOf(done!.by)}: ${done!.verdict}`);
  const by = named(principal);
  return [
    { at: now.toISOString(), kind: 'reviewed', by, verdict, ...(comment === undefined ? {} : { comment }) },
  ];
}

/**
 * A grant that is for one session has found it; nothing where it has this one already. Throws `conflict` where it has another. What
 * was granted to one command is used by it, and by the session that waited with it.
 */
export function use(request: AccessRequest, session: string, now: Date): readonly Step[] {
  const { statements, deviation } = request;
  if (statements === undefined && deviation === undefined) return [];
  if (deviation !== undefined && deviation.session !== session)
    throw conflict('the grant is for a command of another session');
  const used = stepOf(request, 'used');
  if (used !== undefined && used.session !== session)
    throw conflict('the grant was for one session, and is used');
  const state = stateOf(request, now);
  if (state === 'used') return [];
  if (state !== 'granted') throw conflict(`there is no grant to use: ${WORDS[state]}`);
  return [{ at: now.toISOString(), kind: 'used', session }];
}

/** The session that has used a grant lives by it. */
function isGiven(state: RequestState): boolean {
  return state === 'granted' || state === 'used';
}

/** One for each person, however their second account is spelt. */
export function approvalsOf({ steps }: AccessRequest): StepOf<'approved'>[] {
  const given = steps.filter((step): step is StepOf<'approved'> => step.kind === 'approved');
  return given.filter(({ by }, at) => !given.slice(0, at).some((before) => mayBeSamePerson(before.by, by)));
}

function decisionBy(
  { steps }: AccessRequest,
  person: Principal,
  isSame: (a: Person, b: Person) => boolean,
): StepOf<'approved' | 'denied'> | undefined {
  return steps.find(
    (step): step is StepOf<'approved' | 'denied'> =>
      (step.kind === 'approved' || step.kind === 'denied') && isSame(person, step.by),
  );
}

/** Permission is for one request: it is not carried over to another, least of all to one's own (security cases 11, 14). */
function refuseOther(request: AccessRequest, { principal, terms, target }: Authorization<'approve'>): void {
  const isOther = terms.name !== request.rule || target.name !== request.target;
  if (!isOther && !isActedFor(principal) && !mayHaveAsked(principal, request.requester)) return;
  throw new CustodyError('internal', 'the permission is for another request', { detail: request.id });
}

function refuseOthers({ id, requester }: AccessRequest, caller: Person, issuers: Issuers): void {
  if (owns(caller, requester, issuers)) return;
  throw new CustodyError('access-denied', 'only who asked for it can give it back', {
    hint: `reviewers revoke: custody revoke ${id}`,
  });
}

/**
 * Who it is, as every leaf of the ledger can name them, and by which other address they may be known. Throws `token-invalid` for an
 * identity that is too long, or no text.
 */
export function named(person: Person): Person {
  const { unverifiedEmail = '' } = person;
  // No longer one is anybody's.
  const isKept = unverifiedEmail !== '' && unverifiedEmail.length <= UNVERIFIED_MAX;
  return {
    ...personOf(recordedPrincipal({ ...personOf(person), groups: [] })),
    ...(isKept ? { unverifiedEmail } : {}),
  };
}

const UNVERIFIED_MAX = 320;

function granted(now: Date, durationMs: number): Step {
  return { at: now.toISOString(), kind: 'granted', until: later(now, durationMs) };
}

function later(now: Date, ms: number): string {
  return new Date(now.getTime() + ms).toISOString();
}

function checked(ask: Ask, terms: Rule): Ask {
  const { approval } = terms;
  const needs = (what: 'reason' | 'ticket'): boolean =>
    approval === undefined ? what === 'reason' : approval[what] === 'required';
  for (const what of ['reason', 'ticket'] as const) {
    if (needs(what) && (ask[what] ?? '').trim() === '') throw missing(what, `--${what} "…"`);
  }
  const isEmpty = ask.statements?.length === 0;
  if (isEmpty || (approval?.statements === 'exact' && ask.statements === undefined)) {
    throw missing('list of the exact commands', '--statement "…", or --file script.sql');
  }
  if (approval?.for === 'run' && ask.run === undefined) throw missing('run of a workflow', '--run ID');
  return ask;
}

function missing(what: string, option: string): CustodyError {
  return new CustodyError('format-invalid', `this access needs a ${what}`, { hint: `give ${option}` });
}

function durationWithin({ durationMs }: Ask, { approval, breakGlass, name }: Rule): number {
  const longest = (approval ?? breakGlass)!.maxDuration;
  if (durationMs === undefined || (durationMs >= 1_000 && durationMs <= longest))
    return durationMs ?? longest;
  throw new CustodyError('format-invalid', `the rule ${name} gives at most ${durationText(longest)}`, {
    hint: `ask for 1s to ${durationText(longest)}`,
  });
}

function conflict(message: string, hint?: string): CustodyError {
  return new CustodyError('conflict', message, hint === undefined ? {} : { hint });
}

const WORDS = {
  pending: 'it waits for reviewers',
  granted: 'it is granted',
  used: 'its one session has used it',
  denied: 'it was denied',
  withdrawn: 'it was withdrawn',
  expired: 'nobody decided in time',
  ended: 'the grant has run out',
  returned: 'it was given back',
  revoked: 'it was revoked',
} as const;
