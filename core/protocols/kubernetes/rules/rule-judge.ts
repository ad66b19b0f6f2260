/** Whether a rule's own part lets a call pass. Pure. */
import { fits } from '#core/access/patterns.ts';
import { CustodyError } from '#core/errors.ts';
import type { Call } from '../call.ts';
import { callWords } from '../call-words.ts';
import type { JudgedBody, Verdict } from '../judge.ts';
import type { CallPattern, KubernetesRule } from '../schema.ts';
import { type Fit, fitOf, type Side } from './call-pattern.ts';
import { byKubelet } from './does.ts';
import { type LookedBody, lookAt } from './looked-body.ts';

/** The API server takes no longer body. */
export const BODY_MAX_BYTES = 3 << 20;

/** What there is, and how it is written: no client does anything without it, and it says nothing of what the cluster holds. */
const DISCOVERY = ['/api', '/api/*', '/apis', '/apis/*', '/apis/*/*', '/openapi', '/openapi/**', '/version'];

export interface NamedRule {
  readonly name: string;
  readonly kubernetes?: KubernetesRule | undefined;
}

/** True for what clients read to know what there is. */
export function isDiscovery(call: Call): boolean {
  if (call.kind === 'resource' || (call.verb !== 'get' && call.verb !== 'head')) return false;
  const path = call.path.length > 1 && call.path.endsWith('/') ? call.path.slice(0, -1) : call.path;
  return DISCOVERY.some((pattern) => fits(pattern, path));
}

/** `deny` first; then one of `calls` has to fit, where there are any. */
export function judgeByRule(rule: NamedRule, call: Call, body?: LookedBody): Verdict {
  const { calls, deny = [] } = rule.kubernetes ?? {};
  const denied = anyOf(deny, sightsOf(call), body, 'deny');
  if (denied === true) return refused(rule, call, 'denies it');
  const isFree = calls === undefined || isDiscovery(call);
  const allowed = isFree ? true : anyOf(calls, [call], body, 'calls');
  if (allowed === false) return refused(rule, call, 'does not let it pass');
  if (denied === false && allowed === true) return { kind: 'passes' };
  if (body?.kind === 'unreadable') return unreadable(rule, call, body.why);
  if (body !== undefined) return refused(rule, call, 'does not let it pass');
  const judge = (held: JudgedBody): Verdict => judgeByRule(rule, call, lookAt(held));
  return { kind: 'wants-body', most: BODY_MAX_BYTES, judge };
}

function sightsOf(call: Call): readonly Call[] {
  const also = byKubelet(call);
  return also === undefined ? [call] : [call, also];
}

function anyOf(
  patterns: readonly CallPattern[],
  calls: readonly Call[],
  body: LookedBody | undefined,
  side: Side,
): Fit {
  const found = patterns.flatMap((pattern) => calls.map((call) => fitOf(pattern, { call, body }, side)));
  return found.includes(true) ? true : found.includes(undefined) ? undefined : false;
}

function refused({ name }: NamedRule, call: Call, how: string): Verdict {
  const error = new CustodyError(
    'access-denied',
    `${callWords(call)} is forbidden: the rule "${name}" ${how}`,
    {
      hint: 'see what it lets pass: custody explain',
    },
  );
  return { kind: 'refused', error };
}

function unreadable({ name }: NamedRule, call: Call, why: string): Verdict {
  const words = `${callWords(call)} is forbidden: the rule "${name}" depends on its body, which ${why}`;
  const hint = 'send it as JSON, as kubectl does';
  return { kind: 'refused', error: new CustodyError('access-denied', words, { hint }) };
}
