import { CustodyError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import { runnableAt } from '../tasks/may-run.ts';
import { namedByToken } from '../tasks/names.ts';
import { type Context, conditionWords, isTask } from './conditions.ts';
import type { Action, Config, Rule, Target } from './config.ts';
import { durationText } from './duration.ts';
import { madeSandboxOf } from './made-sandboxes.ts';
import { type Person, personOf, sameAccount, sameEmail } from './person.ts';
import { grantOf, type NamedStatement } from './request.ts';
import { type ReviewTerms, reviewTermsOf } from './review-terms.ts';
import { type Obstacle, obstaclesOf, partObstacles, type Question, usableGrant } from './rule-match.ts';
import type { Address } from './target-schema.ts';

export type { Question } from './rule-match.ts';

/** Held by this module alone: without it no Authorization can be made. */
const MADE_BY_DECIDE = Symbol('decide');

/** These take the whole target; a recording outlives its target, so of that one only the name is known. */
type TargetFor<A extends Action> = A extends 'connect' | 'request' ? Target : { readonly name: string };

/**
 * Permission for one principal to do one thing to one target. Only `decide` can make one, so whoever is handed one
 * need not check again, and nobody can forget to.
 */
export class Authorization<A extends Action = Action> {
  /** Makes the type nominal: an object of the same shape is not an Authorization. */
  readonly #brand = MADE_BY_DECIDE;
  readonly principal: Principal;
  readonly action: A;
  readonly target: TargetFor<A>;
  /** The name of the rule that allowed it. */
  readonly rule: string;
  /** That rule: what `request` and `approve` go by. */
  readonly terms: Rule;
  /** The grant that a `connect` rests on, where the rule needs one. */
  readonly grant: Grant | undefined;
  /** Of `request` and `approve`: who decides, by the rule or, of a deviation, by the contract. */
  readonly review: ReviewTerms | undefined;
  /** The version of the configuration it was decided under. */
  readonly policyVersion: string;
  /** How they came, as it was decided by. */
  readonly context: Context;
  /** Of `replay` and `export`: what the target's `redact` leaves out is shown, and the evidence itself given. */
  readonly unredacted: boolean;

  constructor(key: symbol, facts: Facts<A>) {
    if (key !== MADE_BY_DECIDE) throw new TypeError('only decide() makes an Authorization');
    this.principal = facts.principal;
    this.action = facts.action;
    this.target = facts.target;
    this.rule = facts.terms.name;
    this.terms = facts.terms;
    this.grant = facts.grant;
    this.review = facts.review;
    this.policyVersion = facts.policyVersion;
    this.context = facts.context;
    this.unredacted = facts.unredacted;
    Object.freeze(this);
  }

  /**
   * The same permission for the same target, whose place is known only now: of one that is made. Nothing else of it changes. Throws
   * `internal` for a target that has a place of its own (security case 9).
   */
  placedAt(this: Authorization<'connect'>, address: Address): Authorization<'connect'> {
    const { target, rule: _, ...facts } = this;
    if (madeSandboxOf(target) === undefined || target.address !== undefined)
      throw new CustodyError('internal', `the target "${target.name}" has an address of its own`);
    return new Authorization(MADE_BY_DECIDE, { ...facts, target: { ...target, address } });
  }

  /** True for a value that `decide` made. */
  static isOne(value: unknown): value is Authorization {
    return typeof value === 'object' && value !== null && #brand in value && value.#brand === MADE_BY_DECIDE;
  }
}

/** What a session may rest on. */
export interface Grant {
  /** The request's id. */
  readonly id: string;
  /** Of the question that was decided about. */
  readonly digest: string;
  readonly until: Date;
  /** The only commands it is for; any when absent. */
  readonly statements?: readonly NamedStatement[];
  /** Whose approvals it came of; nobody's where a glass was broken. */
  readonly approvedBy: readonly Person[];
}

interface Facts<A extends Action> {
  readonly principal: Principal;
  readonly action: A;
  readonly target: TargetFor<A>;
  readonly terms: Rule;
  readonly grant: Grant | undefined;
  readonly review: ReviewTerms | undefined;
  readonly policyVersion: string;
  readonly context: Context;
  readonly unredacted: boolean;
}

export interface Refusal {
  /** `approval-required`: a request would help. */
  readonly code: 'access-denied' | 'approval-required' | 'token-invalid' | 'task-refused';
  /** For the client. */
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
  /** The rule by which access can be asked for, with `approval-required`. */
  readonly ask?: Rule;
}

/**
 * The one place where permission is decided. Pure; denies unless a rule allows, and whatever a rule denies stays denied. A
 * target that does not exist and one that the principal may not use read the same. Recordings of a target that is no
 * longer in the file stay within reach of the rules for every target (`*`).
 */
export function decide<A extends Action>(question: Question<A>): Authorization<A> | Refusal {
  const { policy, principal, action, target: name } = question;
  const live = isOfLive(question) ? question.live : undefined;
  if (live === undefined && isExpired(question)) return expired();
  if (isShutOut(policy, principal)) return denied(question);
  const elsewhere = refusedElsewhere(question);
  if (elsewhere !== undefined) return elsewhere;
  if (policy.rules.some((rule) => denies(rule, question))) return denied(question);
  const target = policy.targets.get(name) ?? (NEEDS_TARGET.includes(action) ? undefined : { name });
  // A running session lives by the rule that opened it, and by no other.
  const rules = live === undefined ? policy.rules : policy.rules.filter((rule) => rule.name === live.rule);
  const allowing = rules.filter((rule) => allows(rule, question));
  // Who needs no grant uses none up.
  const terms =
    allowing.find(({ approval, breakGlass }) => (approval ?? breakGlass) === undefined) ?? allowing[0];
  if (target === undefined || terms === undefined) return denied(question);
  return new Authorization(MADE_BY_DECIDE, {
    principal,
    action,
    target: target as TargetFor<A>,
    terms,
    grant: action === 'connect' ? grantFor(terms, question) : undefined,
    review: reviewTermsOf(terms, policy, question.wish?.deviation ?? question.request?.deviation),
    policyVersion: policy.version,
    context: question.context ?? {},
    unredacted: allowing.some((rule) => rule.unredacted === true),
  });
}

/** A session that may go on after its token's time may also ask whether a command of it may. */
function isOfLive({ action, wish }: Question): boolean {
  return action === 'connect' || (action === 'request' && wish?.deviation !== undefined);
}

/** True for a rule that forbids it. */
export function denies(rule: Rule, question: Question): boolean {
  return rule.deny !== undefined && obstaclesOf(rule, question).length === 0;
}

function allows(rule: Rule, question: Question): boolean {
  return rule.deny === undefined && obstaclesOf(rule, question).length === 0;
}

/** A token that was issued for a task of a run is for that session, and what it may have to ask for; for nothing else. */
function refusedElsewhere({ principal, action, context }: Question): Refusal | undefined {
  const issuedFor = namedByToken(principal);
  if (issuedFor === undefined) return undefined;
  const { run, task } = context?.task ?? {};
  const isIt = run === issuedFor.run && task === issuedFor.task;
  if (isIt && NEEDS_TARGET.includes(action)) return undefined;
  return {
    code: 'task-refused',
    message: 'the token was issued for one task of a run, and opens nothing else',
    hint: 'run that task with it, or use a token that is for no task: custody login',
  };
}

const NEEDS_TARGET: readonly Action[] = ['connect', 'request'];

/** True for somebody who may do nothing here, whatever rules and grants say. */
function isShutOut(policy: Config, principal: Principal): boolean {
  return isForeign(policy, principal) || isDisabled(policy, principal);
}

/**
 * True where the configuration has their issuer no more: it vouches for nobody, and what it vouched for ends. An issuer may be in the
 * file twice, for other people: which of the entries vouched is told by its name.
 */
export function isForeign({ issuers }: Config, { issuer, issuerName }: Principal): boolean {
  return !issuers.some(
    (known) => known.issuer === issuer && (issuerName === undefined || known.name === issuerName),
  );
}

/** True for somebody whom the configuration names as disabled, and for who acts, or is acted for, with such a one. */
export function isDisabled({ disabled, issuers }: Config, principal: Principal): boolean {
  const { issuer, email, unverifiedEmail, actors = [] } = principal;
  // Also by an address that nobody has verified: who is disabled does not come back by changing theirs.
  const emails = [email, unverifiedEmail].filter((one) => one !== undefined);
  const accounts = [principal, ...actors];
  return disabled.some((person) => {
    if ('email' in person)
      return (person.issuer ?? issuer) === issuer && emails.some((one) => sameEmail(person.email, one));
    // The file names the issuer where there are several.
    const named = { subject: person.subject, issuer: person.issuer ?? issuers[0]!.issuer };
    return accounts.some((account) => sameAccount(account, named));
  });
}

/** A refusal as the error that a client is shown. */
export function refusalError({ code, message, hint }: Refusal): CustodyError {
  return new CustodyError(code, message, { hint });
}

/** The token's time is over. */
function isExpired({ principal, now }: Pick<Question, 'principal' | 'now'>): boolean {
  return !(principal.expiresAt.getTime() > now.getTime());
}

function grantFor(rule: Rule, question: Question): Grant | undefined {
  if (rule.approval === undefined && rule.breakGlass === undefined) return undefined;
  const request = usableGrant(rule, question)!;
  const { id, digest, statements } = request;
  const until = new Date(grantOf(request)!.until);
  const approvedBy = request.steps.flatMap((step) => (step.kind === 'approved' ? personOf(step.by) : []));
  return { id, digest, until, approvedBy, ...(statements === undefined ? {} : { statements }) };
}

function expired(): Refusal {
  return { code: 'token-invalid', message: 'the token has expired', hint: 'log in again: custody login' };
}

const NOBODY_TO_ASK: Refusal = {
  code: 'access-denied',
  message: 'nobody can be asked whether it may go on',
  hint: 'a workflow that was changed asks nobody for the runs before: start a new run',
};

const SESSION_ACTIONS: readonly Action[] = ['replay', 'export', 'terminate', 'rerun'];

function denied(question: Question): Refusal {
  const refusal = plainlyDenied(question);
  const { groupsOmittedByIssuer } = question.principal;
  return groupsOmittedByIssuer === true && refusal.code === 'access-denied' ? withOmitted(refusal) : refusal;
}

/** They may be in the groups that it takes, or in those to which it is denied: nobody here can tell. */
function withOmitted({ code, message, hint }: Refusal): Refusal {
  return {
    code,
    message: `${message}: the identity provider left groups out of the token, as there are too many`,
    hint: `whoever runs the gateway can have them looked up (directory in custody.yaml), or use application roles; ${hint}`,
  };
}

function plainlyDenied(question: Question): Refusal {
  const { action, target } = question;
  const shown = shownTarget(target);
  const code = 'access-denied';
  if (action === 'connect')
    return (
      asTask(question, shown) ??
      notNow(question, shown) ??
      askFor(question, shown) ??
      notSo(question, shown) ??
      noTarget(shown, 'connect to')
    );
  if (action === 'request' && question.wish?.deviation !== undefined) return NOBODY_TO_ASK;
  if (action === 'request') return noTarget(shown, 'ask for');
  if (action === 'administer')
    return { code, message: 'you may not administer this gateway', hint: 'ask whoever runs it' };
  if (SESSION_ACTIONS.includes(action))
    return {
      code,
      message: `you may not ${action} this session`,
      hint: 'see what you may use: custody targets',
    };
  return {
    code,
    message: 'you may not decide about this request',
    hint: 'reviewers of its rule decide, and nobody about their own: custody requests',
  };
}

/** A target's name as somebody gave it, fit to be shown: in quotes, short, printable ASCII (security case 18). */
export function shownTarget(name: string): string {
  return JSON.stringify(name.slice(0, 63).replaceAll(/[^ -~]/g, '?'));
}

function noTarget(shown: string, what: string): Refusal {
  const message = `there is no target ${shown} that you may ${what}`;
  return { code: 'access-denied', message, hint: 'see what you may use: custody targets' };
}

/** Names of tasks that a refusal tells. */
const TASKS_TOLD = 5;

/** Where they get there as a task alone, that is what to do: told to whoever may run one, and to nobody else. */
function asTask(question: Question, shown: string): Refusal | undefined {
  const { policy, principal, target, live, context } = question;
  if (live !== undefined || !policy.targets.has(target) || isShutOut(policy, principal)) return undefined;
  if (policy.rules.some((rule) => denies(rule, question))) return undefined;
  const allowing = policy.rules.filter(({ deny }) => deny === undefined);
  const waysIn = allowing.filter((rule) => obstaclesOf(rule, question).every(isOfTaskOrGrant));
  // As what they come, they may ask.
  if (waysIn.some((rule) => !obstaclesOf(rule, question).some(isOfTask))) return undefined;
  const tasks = runnableAt(target, principal, policy).filter((one) =>
    waysIn.some(({ when }) => isTask(when!.task!, one)),
  );
  const [first] = tasks;
  if (first === undefined) return undefined;
  const names = tasks.slice(0, TASKS_TOLD).map(({ name }) => name);
  const more = tasks.length > TASKS_TOLD ? ` and ${tasks.length - TASKS_TOLD} more` : '';
  const as = context?.task === undefined ? '' : `, and not as ${context.task.workflow}/${context.task.task}`;
  return {
    code: 'access-denied',
    message: `${shown} is reached as a task of a run alone: ${names.join(', ')}${more}${as}`,
    hint: `start a run, and connect as its task: custody run start ${first.workflow}; custody run task RUN ${first.task} -- COMMAND`,
  };
}

function isOfTask(obstacle: Obstacle): boolean {
  return obstacle.kind === 'when' && obstacle.condition === 'task';
}

function isOfTaskOrGrant(obstacle: Obstacle): boolean {
  return obstacle.kind === 'needs-grant' || isOfTask(obstacle);
}

/** Where nothing but the circumstances is in the way, they are what to change. */
function notNow(question: Question, shown: string): Refusal | undefined {
  return ofCircumstances(question, shown, (rule) => obstaclesOf(rule, question));
}

/** The same where a grant would be needed, too, and would not help. */
function notSo(question: Question, shown: string): Refusal | undefined {
  return ofCircumstances(question, shown, (rule) => {
    const others = obstaclesOf(rule, question).filter(({ kind }) => kind !== 'needs-grant');
    return partObstacles(rule, question).length === 0 ? [] : others;
  });
}

function ofCircumstances(
  question: Question,
  shown: string,
  obstaclesTo: (rule: Rule) => readonly Obstacle[],
): Refusal | undefined {
  const { policy, target, principal } = question;
  if (!policy.targets.has(target) || isShutOut(policy, principal)) return undefined;
  if (policy.rules.some((rule) => denies(rule, question))) return undefined;
  for (const rule of policy.rules) {
    const obstacles = rule.deny === undefined ? obstaclesTo(rule) : [];
    const [first, ...others] = obstacles.map((obstacle) => circumstance(obstacle, rule));
    if (first === undefined || others.includes(undefined)) continue;
    const wantsDevice = obstacles.some((obstacle) => isOfDeviceKey(obstacle, rule));
    return {
      code: 'access-denied',
      message: `the rule ${rule.name} does not let you connect to ${shown} now: ${first}`,
      hint: wantsDevice ? SHOW_DEVICE : 'custody explain says what each rule wants',
    };
  }
  return undefined;
}

const SHOW_DEVICE =
  'register a key, once: custody devices register; then let the client prove that key, as custody connect does';

function isOfDeviceKey(obstacle: Obstacle, { when }: Rule): boolean {
  if (obstacle.kind === 'touch') return true;
  const isDevice = obstacle.kind === 'when' && obstacle.condition === 'device';
  return isDevice && (when?.device === 'registered' || when?.device === 'verified');
}

/** In words, what may be otherwise the next time; undefined for what is not a matter of circumstances. */
function circumstance(obstacle: Obstacle, { when = {} }: Rule): string | undefined {
  // Who may not run any of its tasks learns nothing of the target.
  if (obstacle.kind === 'when' && obstacle.condition === 'task') return undefined;
  if (obstacle.kind === 'when') return conditionWords(obstacle.condition, when);
  if (obstacle.kind === 'login') return `it is for the login ${obstacle.wanted.join(' or ')}`;
  return obstacle.kind === 'touch' ? 'it wants a FIDO key that verifies its user' : undefined;
}

/** Where a request would help, that is what to do next. */
function askFor(question: Question, shown: string): Refusal | undefined {
  const rules = askable(question, {});
  const [ask] = rules;
  const [glass] = askable(question, { breakGlass: true });
  if (question.live !== undefined || (ask === undefined && glass === undefined)) return undefined;
  const name = question.target;
  const run = ask?.approval?.for === 'run' ? ` --run ${question.context?.task?.run ?? 'RUN'}` : '';
  const normal = `custody request ${name}${run} --reason "…" --for ${durationText((ask ?? glass)!.approval?.maxDuration ?? 3_600_000)}`;
  const emergency = `custody request ${name} --break-glass --reason "…"`;
  const hint = [ask && `ask for access: ${normal}`, glass && `in an emergency: ${emergency}`]
    .filter(Boolean)
    .join('; ');
  return {
    code: 'approval-required',
    message: `access to ${shown} needs an approval${isUsed(question, ask) ? USED : ''}`,
    hint,
    ...(ask === undefined ? {} : { ask }),
  };
}

const USED = ': the grant was for one session, and is used';

function isUsed(question: Question, rule: Rule | undefined): boolean {
  const obstacles = rule === undefined ? [] : obstaclesOf(rule, question);
  return obstacles.some((obstacle) => obstacle.kind === 'needs-grant' && obstacle.state === 'used');
}

/** The rules by which this principal may ask for the target. */
function askable(question: Question, wish: { breakGlass?: boolean }): readonly Rule[] {
  const asking: Question = { ...question, action: 'request', wish };
  const { policy, target } = question;
  if (!policy.targets.has(target) || isShutOut(policy, question.principal)) return [];
  if (policy.rules.some((rule) => denies(rule, asking) || denies(rule, question))) return [];
  return policy.rules.filter((rule) => allows(rule, asking) && partObstacles(rule, question).length === 0);
}
