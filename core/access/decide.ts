import { CustodyError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Action, Config, Rule, Target } from './config.ts';

/** Held by this module alone: without it no Authorization can be made. */
const MADE_BY_DECIDE = Symbol('decide');

/** To connect takes the whole target; a recording outlives its target, so of that one only the name is known. */
type TargetFor<A extends Action> = A extends 'connect' ? Target : { readonly name: string };

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
  /** The version of the configuration it was decided under. */
  readonly policyVersion: string;

  constructor(key: symbol, facts: Facts<A>) {
    if (key !== MADE_BY_DECIDE) throw new TypeError('only decide() makes an Authorization');
    this.principal = facts.principal;
    this.action = facts.action;
    this.target = facts.target;
    this.rule = facts.rule;
    this.policyVersion = facts.policyVersion;
    Object.freeze(this);
  }

  /** True for a value that `decide` made. */
  static isOne(value: unknown): value is Authorization {
    return typeof value === 'object' && value !== null && #brand in value && value.#brand === MADE_BY_DECIDE;
  }
}

interface Facts<A extends Action> {
  readonly principal: Principal;
  readonly action: A;
  readonly target: TargetFor<A>;
  readonly rule: string;
  readonly policyVersion: string;
}

export interface Refusal {
  readonly code: 'access-denied' | 'token-invalid';
  /** For the client. */
  readonly message: string;
  /** What to do next. */
  readonly hint: string;
}

export interface Question<A extends Action = Action> {
  readonly policy: Config;
  readonly principal: Principal;
  readonly action: A;
  readonly target: string;
  /** Whose session it is, for `replay` and `export`. */
  readonly session?: { readonly issuer: string; readonly subject: string };
  readonly now: Date;
}

/**
 * The one place where permission is decided. Pure; denies unless a rule allows. A target that does not exist and one
 * that the principal may not use read the same. Recordings of a target that is no longer in the file stay within
 * reach of the rules for every target (`*`).
 */
export function decide<A extends Action>(question: Question<A>): Authorization<A> | Refusal {
  const { policy, principal, action, target: name, now } = question;
  if (!(principal.expiresAt.getTime() > now.getTime())) return expired();
  const rule = policy.rules.find((candidate) => allows(candidate, question));
  const target = policy.targets.get(name) ?? (action === 'connect' ? undefined : { name });
  if (target === undefined || rule === undefined) return denied(action, name);
  return new Authorization(MADE_BY_DECIDE, {
    principal,
    action,
    target: target as TargetFor<A>,
    rule: rule.name,
    policyVersion: policy.version,
  });
}

/** A refusal as the error that a client is shown. */
export function refusalError({ code, message, hint }: Refusal): CustodyError {
  return new CustodyError(code, message, { hint });
}

function allows(rule: Rule, { principal, action, target, session }: Question): boolean {
  return (
    rule.allow.includes(action) &&
    (rule.targets.includes('*') || rule.targets.includes(target)) &&
    rule.groups.some((group) => principal.groups.includes(group)) &&
    (action === 'connect' || reaches(rule, principal, session))
  );
}

function reaches(rule: Rule, principal: Principal, session: Question['session']): boolean {
  if (rule.sessions === 'any') return true;
  return session?.issuer === principal.issuer && session.subject === principal.subject;
}

function expired(): Refusal {
  return { code: 'token-invalid', message: 'the token has expired', hint: 'log in again: custody login' };
}

function denied(action: Action, target: string): Refusal {
  const shown = JSON.stringify(target.slice(0, 63).replaceAll(/[^ -~]/g, '?'));
  const message =
    action === 'connect'
      ? `there is no target ${shown} that you may connect to`
      : `you may not ${action} this session`;
  return { code: 'access-denied', message, hint: 'see what you may use: custody targets' };
}
