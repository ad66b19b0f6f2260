import type { Principal } from '../identity/principal.ts';
import type { PartObstacle } from '../protocols/protocol.ts';
import { protocolOf } from '../protocols/protocols.ts';
import { type Context, knownUnmet, unmet } from './conditions.ts';
import type { Action, Config, Rule, When } from './config.ts';
import { owns, sameHolder } from './own.ts';
import { isActedFor, mayHaveAsked, type Person, sameActors } from './person.ts';
import { type AccessRequest, grantOf, type RequestState, stateOf, stepOf } from './request.ts';
import { type AskingTask, reviewTermsOf } from './review-terms.ts';
import { isReviewer, notDenied, notFor, type WhoseObstacle } from './whose.ts';

/** What is to be decided, and all that a decision looks at. */
export interface Question<A extends Action = Action> {
  readonly policy: Config;
  readonly principal: Principal;
  readonly action: A;
  readonly target: string;
  readonly now: Date;
  readonly context?: Context;
  /** Whose session it is, for `replay`, `export`, `terminate` and `rerun`. */
  readonly session?: Person;
  /** Who approved the grant that the session rests on. */
  readonly approvers?: readonly Person[];
  /** What is asked for, for `request`. */
  readonly wish?: Wish;
  /** What is decided about, for `approve`. */
  readonly request?: AccessRequest;
  /** Requests that may have become grants, for `connect`. */
  readonly grants?: readonly AccessRequest[];
  /** A session that is running. For `connect`: may it go on? For a wish with a deviation: whose command waits. */
  readonly live?: LiveSession;
}

export interface Wish {
  /** By its name. */
  readonly rule?: string;
  readonly breakGlass?: boolean;
  /** That a command goes on which the contract of this task does not have. */
  readonly deviation?: AskingTask;
}

/** A running session, and what it was opened under. */
export interface LiveSession {
  readonly session: string;
  readonly rule: string;
  readonly grant?: string;
  readonly startedAt: Date;
  /** The rule as it was then. */
  readonly terms?: Rule;
}

/** Why a rule does not allow something. */
export type Obstacle =
  | { readonly kind: 'sessions'; readonly whose: 'own' | 'approved' }
  | { readonly kind: 'action' | 'target' | 'not-a-reviewer' | 'own-request' | 'other-wish' }
  /** The workflow is another by now, or its contract asks nobody; or the session is not that task. */
  | { readonly kind: 'contract' }
  | WhoseObstacle
  | { readonly kind: 'when'; readonly condition: keyof When }
  | { readonly kind: 'token-over' | 'device-over' | 'too-long' }
  | { readonly kind: 'needs-grant'; readonly state?: RequestState }
  | PartObstacle;

/** What keeps a rule from allowing it; nothing when it allows. Of a rule that denies: what keeps it from denying. */
export function obstaclesOf(rule: Rule, question: Question): readonly Obstacle[] {
  if (rule.deny !== undefined) return denyObstacles(rule, question);
  switch (question.action) {
    case 'connect':
      return [
        ...reach(rule, question),
        ...conditions(rule, question),
        ...partObstacles(rule, question),
        ...limits(rule, question),
        ...grant(rule, question),
      ];
    case 'request':
      return [...reach(rule, question), ...wish(rule, question)];
    case 'approve':
      return [...covers(rule, question), ...review(rule, question)];
    case 'replay':
    case 'export':
    case 'terminate':
    case 'rerun':
      return [...reach(rule, question), ...sessions(rule, question), ...conditions(rule, question)];
    case 'administer':
      return [...reach(rule, question), ...conditions(rule, question)];
  }
}

/** The grant of these that lets this principal connect by this rule now. */
export function usableGrant(rule: Rule, question: Question): AccessRequest | undefined {
  return grantsFor(rule, question).find((request) => grantState(request, question) === 'granted');
}

const CONNECTS: readonly Action[] = ['connect', 'request', 'approve'];

/** To ask for access and to decide about it belong to connecting. */
function covers(rule: Rule, { action, target }: Question): Obstacle[] {
  const needed = CONNECTS.includes(action) ? 'connect' : action;
  const found: Obstacle[] = [];
  if (!rule.allow?.some((allowed) => allowed === needed)) found.push({ kind: 'action' });
  if (!rule.targets.includes('*') && !rule.targets.includes(target)) found.push({ kind: 'target' });
  return found;
}

function reach(rule: Rule, question: Question): Obstacle[] {
  return [...covers(rule, question), ...notFor(rule, question.principal, question.policy)];
}

function conditions({ when }: Rule, question: Question): Obstacle[] {
  return when === undefined
    ? []
    : unmet(when, circumstances(question)).map((condition) => ({ kind: 'when', condition }));
}

/** What the target's protocol has of its own in the rule. */
export function partObstacles(
  rule: Rule,
  { policy, target: name, context = {} }: Question,
): readonly PartObstacle[] {
  const target = policy.targets.get(name);
  return target === undefined ? [] : protocolOf(target).obstacles(rule, target, context);
}

function circumstances({ principal, context, now, policy }: Question) {
  const { device, task, mfa = false } = principal;
  const { task: step, ...coming } = context ?? {};
  const owner = context?.device?.registered?.owner;
  // Of somebody else's device the key may have been lent, with whatever is on it.
  const deviceRegistered = owner !== undefined && sameHolder(principal, owner, policy);
  return { ...coming, step, now, deviceBound: device !== undefined, deviceRegistered, task, mfa };
}

/** What ends a session by itself. A token that opened a session may expire while it runs, unless the rule says otherwise. */
function limits({ session, when }: Rule, { principal, now, live }: Question): Obstacle[] {
  const found: Obstacle[] = [];
  const over = (time: Date): boolean => !(time.getTime() > now.getTime());
  if (session?.endsWithToken === true && over(principal.expiresAt)) found.push({ kind: 'token-over' });
  const deviceEnds = principal.device?.expiresAt;
  if (when?.device === 'bound' && deviceEnds !== undefined && over(deviceEnds))
    found.push({ kind: 'device-over' });
  const longest = session?.maxDuration;
  if (longest !== undefined && live !== undefined && over(new Date(live.startedAt.getTime() + longest)))
    found.push({ kind: 'too-long' });
  return found;
}

function grant(rule: Rule, question: Question): Obstacle[] {
  if (rule.approval === undefined && rule.breakGlass === undefined) return [];
  if (usableGrant(rule, question) !== undefined) return [];
  const newest = grantsFor(rule, question).at(0);
  return [{ kind: 'needs-grant', ...(newest === undefined ? {} : { state: grantState(newest, question) }) }];
}

/**
 * Requests of this very principal, for this target, by this rule; newest first as they were given. Where the rule wants the
 * exact commands or a run by now, one that names none is of a rule that was (security case 23).
 */
function grantsFor(rule: Rule, question: Question): AccessRequest[] {
  const { target, grants = [], live } = question;
  return grants.filter(
    (request) =>
      request.rule === rule.name &&
      request.target === target &&
      // What reviewers said of one command opens no session (security case 23).
      request.deviation === undefined &&
      isOfRun(request, question) &&
      request.breakGlass === (rule.breakGlass !== undefined) &&
      (rule.approval?.statements !== 'exact' || request.statements !== undefined) &&
      (rule.approval?.for !== 'run' || request.run !== undefined) &&
      isGrantee(rule, request.requester, question) &&
      (live === undefined || request.id === live.grant),
  );
}

/** A grant for a run is for sessions that are its tasks. */
function isOfRun({ run }: AccessRequest, { context }: Question): boolean {
  if (run === undefined) return true;
  const coming = context?.task;
  if (coming?.run !== run.id || coming.workflow !== run.workflow) return false;
  if (coming.digest !== run.workflowDigest) return false;
  return run.task === undefined || coming.task === run.task;
}

/**
 * A grant is for the very chain that asked: reviewers saw who acts. One that a person asked for covers whoever acts for them
 * where the rule says so; one that was asked for in their name never covers them.
 */
function isGrantee(rule: Rule, requester: Person, { principal, policy }: Question): boolean {
  if (!sameHolder(principal, requester, policy)) return false;
  const isCovered = rule.approval?.coversActors === true && !isActedFor(requester);
  return sameActors(principal, requester) || isCovered;
}

/** A grant for one session is used up for every other. */
function grantState(request: AccessRequest, { now, live }: Question): RequestState {
  const state = stateOf(request, now);
  if (state !== 'granted' && state !== 'used') return state;
  if (now.getTime() < Date.parse(grantOf(request)!.at)) return 'pending';
  return stepOf(request, 'used')?.session === live?.session ? 'granted' : state;
}

function wish(rule: Rule, question: Question): Obstacle[] {
  const { wish: wanted = {} } = question;
  if (wanted.deviation !== undefined) return deviationWish(rule, question, wanted.deviation);
  const terms = wanted.breakGlass === true ? rule.breakGlass : rule.approval;
  const fits = terms !== undefined && (wanted.rule === undefined || wanted.rule === rule.name);
  return fits ? [] : [{ kind: 'other-wish' }];
}

/** A session asks by the rule that it lives by, as the task that it is. */
function deviationWish(rule: Rule, question: Question, wanted: AskingTask): Obstacle[] {
  const { live, context, policy } = question;
  const coming = context?.task;
  const found: Obstacle[] = [];
  if (live?.rule !== rule.name) found.push({ kind: 'other-wish' });
  const isIt = coming?.run === wanted.run && coming.task === wanted.task;
  const isUnder = coming?.workflow === wanted.workflow && coming.digest === wanted.workflowDigest;
  if (!isIt || !isUnder || reviewTermsOf(rule, policy, wanted) === undefined)
    found.push({ kind: 'contract' });
  return found;
}

/** Nobody decides about what they or their agents asked for, and no agent decides about anything. */
function review(rule: Rule, { principal, request, target, policy }: Question): Obstacle[] {
  // Rules that deny look at the target that was named: it is the request's, or the question is another one.
  if (request?.rule !== rule.name || request.target !== target) return [{ kind: 'other-wish' }];
  const { breakGlass, deviation } = request;
  const terms = breakGlass ? rule.breakGlass : reviewTermsOf(rule, policy, deviation);
  const found: Obstacle[] = [];
  if (deviation !== undefined && terms === undefined) found.push({ kind: 'contract' });
  if (isActedFor(principal)) found.push({ kind: 'acts' });
  if (terms === undefined || !isReviewer(terms.reviewers, principal)) found.push({ kind: 'not-a-reviewer' });
  if (mayHaveAsked(principal, request.requester)) found.push({ kind: 'own-request' });
  return found;
}

function sessions({ sessions: whose }: Rule, question: Question): Obstacle[] {
  const { principal, session, policy } = question;
  if (whose === 'any' || (session !== undefined && owns(principal, session, policy))) return [];
  return whose === 'approved' && hasApproved(question) ? [] : [{ kind: 'sessions', whose }];
}

/** A person did; who acts for them did not, and looks at nothing in their place. */
function hasApproved({ principal, approvers = [], policy }: Question): boolean {
  return !isActedFor(principal) && approvers.some((approver) => sameHolder(principal, approver, policy));
}

/** Whose sessions they are makes no difference to a rule that denies. */
function denyObstacles(rule: Rule, question: Question): Obstacle[] {
  const { action, target, principal, policy } = question;
  const found: Obstacle[] = [];
  if (!rule.deny!.includes(action)) found.push({ kind: 'action' });
  if (!rule.targets.includes('*') && !rule.targets.includes(target)) found.push({ kind: 'target' });
  found.push(...notDenied(rule, principal, policy));
  const missing = rule.when === undefined ? [] : knownUnmet(rule.when, circumstances(question));
  return [...found, ...missing.map((condition) => ({ kind: 'when', condition }) as const)];
}
