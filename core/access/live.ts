import { CustodyError } from '../errors.ts';
import { protocolOf } from '../protocols/protocols.ts';
import type { Rule } from './config.ts';
import { Authorization, decide, denies, isDisabled, isForeign } from './decide.ts';
import { type LiveSession, type Obstacle, obstaclesOf, type Question } from './rule-match.ts';

/** Why a running session has to end. */
export interface LiveEnding {
  /** `expired`: its time is over. `revoked`: somebody took the access away. */
  readonly reason: 'expired' | 'revoked';
  /** For the client. */
  readonly error: CustodyError;
}

export type LiveQuestion = Question<'connect'> & { readonly live: LiveSession };

/** Looks again at what a session was opened under: undefined as long as `decide` would let it go on. */
export function endingOf(question: LiveQuestion): LiveEnding | undefined {
  const { policy, principal, live } = question;
  const still = decide(question);
  if (Authorization.isOne(still)) return isBound(question, still.terms) ? undefined : revoked(OTHER);
  if (isForeign(policy, principal))
    return revoked('the identity provider of this session is not in the configuration any more');
  if (isDisabled(policy, principal)) return revoked('you may not use this gateway any more');
  const rule = policy.rules.find(({ name }) => name === live.rule);
  const forbidden = policy.rules.find((candidate) => denies(candidate, question));
  if (forbidden !== undefined) return revoked(`the access rule "${forbidden.name}" forbids it now`);
  if (rule === undefined || !policy.targets.has(question.target))
    return revoked(`the access rule or the target is gone`);
  if (rule.deny !== undefined) return revoked(CHANGED);
  const obstacles = obstaclesOf(rule, question);
  return (
    endings(obstacles).find((ending) => ending.reason === 'revoked') ??
    endings(obstacles)[0] ??
    revoked(CHANGED)
  );
}

const CHANGED = 'the access rule does not allow it any more';

const OTHER = 'the access rule says something else by now; connect again';

/** Whether what the session has of its rule is still what the rule says. */
function isBound({ policy, target: name, live }: LiveQuestion, now: Rule): boolean {
  const target = policy.targets.get(name);
  const facts = target && protocolOf(target);
  if (facts?.bound === undefined || live.terms === undefined) return true;
  return JSON.stringify(facts.bound(live.terms)) === JSON.stringify(facts.bound(now));
}

function endings(obstacles: readonly Obstacle[]): LiveEnding[] {
  return obstacles.map(endingBy);
}

function endingBy(obstacle: Obstacle): LiveEnding {
  switch (obstacle.kind) {
    case 'token-over':
      return expired('the token that opened this session has expired');
    case 'device-over':
      return expired("the device's certificate has expired");
    case 'too-long':
      return expired('the session has lasted as long as the rule allows');
    case 'when':
      return obstacle.condition === 'hours'
        ? expired('the hours of the access rule are over')
        : revoked(CHANGED);
    case 'needs-grant':
      return grantEnding(obstacle.state);
    case 'action':
    case 'target':
    case 'issuer':
    case 'groups':
    case 'claim':
    case 'acts':
    case 'actor':
    case 'no-actor':
    case 'sessions':
    case 'not-a-reviewer':
    case 'own-request':
    case 'other-wish':
    case 'contract':
    case 'login':
    case 'touch':
      return revoked(CHANGED);
  }
}

function grantEnding(state: Extract<Obstacle, { kind: 'needs-grant' }>['state']): LiveEnding {
  if (state === 'ended') return expired('the access that was granted has run out');
  if (state === 'revoked') return revoked('the access was revoked by a reviewer');
  if (state === 'returned') return revoked('the access was given back');
  if (state === 'used') return revoked('the grant was for one session, and another one has used it');
  return revoked('the grant of this session is not valid any more');
}

function expired(message: string): LiveEnding {
  return { reason: 'expired', error: new CustodyError('access-expired', message, { hint: HINT }) };
}

function revoked(message: string): LiveEnding {
  return { reason: 'revoked', error: new CustodyError('access-revoked', message, { hint: HINT }) };
}

const HINT = 'see what you may use: custody targets';
