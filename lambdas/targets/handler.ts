import type { z } from 'zod';
import type { Config, Rule, Target } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import type { AccessRequest } from '#core/access/request.ts';
import { obstaclesOf } from '#core/access/rule-match.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import type { Asking } from '../access/visible.ts';
import { callerOf, contextOf } from '../caller.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery, targetsShape } from '../shapes.ts';

/** Where clients reach the gateway. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** What to verify it with, when that is not a public CA. */
  readonly caPem?: string;
}

export interface TargetsPorts {
  readonly policy: () => Config;
  readonly requests: AccessCatalog;
  readonly gateway: () => Promise<GatewayAddress>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

const LOGIN_SECONDS = 10;

type Answer = z.input<typeof targetsShape>['targets'][number];

/** GET /v1/targets: what the caller may connect to or ask for, and how. The target's own address is nobody's business. */
export function targetsHandler({ policy, requests, gateway, now, log }: TargetsPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const asking = { caller: callerOf(event), policy: policy(), context: contextOf(event), now: now() };
    queryOf(noQuery, event);
    const address = await gateway();
    const open = await openRequestsOf({ ...asking, openAt: asking.now, limit: 1_000 }, requests);
    const targets = [...asking.policy.targets.values()].flatMap((target) => {
      const access = accessTo(target, open, asking);
      if (access === undefined) return [];
      const { name, protocol } = target;
      const connectSeconds = connectSecondsOf(target, access, asking.policy);
      return [{ name, protocol, ...address, database: name, connectSeconds, ...access }];
    });
    return json(targetsShape, { targets });
  });
}

/** Undefined where the caller may not even ask. */
function accessTo(
  { name: target }: Target,
  grants: readonly AccessRequest[],
  { policy, caller: principal, context, now }: Asking,
): Pick<Answer, 'access' | 'until' | 'ask'> | undefined {
  const connect = decide({ policy, principal, action: 'connect', target, context, grants, now });
  const ask = [false, true].flatMap((breakGlass) => {
    const wish = { breakGlass };
    const question = { policy, principal, action: 'request' as const, target, wish, context, now };
    if (!Authorization.isOne(decide(question))) return [];
    return policy.rules
      .filter((rule) => rule.deny === undefined && obstaclesOf(rule, question).length === 0)
      .map(termsOf);
  });
  if (!Authorization.isOne(connect)) {
    return connect.code === 'approval-required' || ask.length > 0
      ? { access: 'requestable', ask }
      : undefined;
  }
  const { grant } = connect;
  return grant === undefined
    ? { access: 'standing', ask }
    : { access: 'granted', until: grant.until.toISOString(), ask };
}

/** The gateway's own clock for a login, the target's, and how long a client may wait for reviewers. */
function connectSecondsOf(
  { connect }: Target,
  { access, ask }: Pick<Answer, 'access' | 'ask'>,
  { rules }: Config,
): number {
  const seconds = LOGIN_SECONDS + Math.ceil(connect.timeout / 1000);
  if (access !== 'requestable') return seconds;
  const names = new Set(ask.map(({ rule }) => rule));
  const waits = rules.filter(({ name }) => names.has(name)).map(({ approval }) => approval?.wait ?? 0);
  return seconds + Math.ceil(Math.max(0, ...waits) / 1000);
}

function termsOf({ name, approval, breakGlass }: Rule): Answer['ask'][number] {
  return {
    rule: name,
    breakGlass: breakGlass !== undefined,
    maxDurationSeconds: Math.floor((approval ?? breakGlass)!.maxDuration / 1000),
    approvals: approval?.approvals ?? 0,
    reason: approval?.reason ?? 'required',
    ticket: approval?.ticket ?? 'optional',
    statements: approval?.statements ?? 'any',
  };
}
