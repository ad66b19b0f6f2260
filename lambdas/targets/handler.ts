import type { z } from 'zod';
import type { Context } from '#core/access/conditions.ts';
import type { Config, Rule, Target } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import type { AccessRequest } from '#core/access/request.ts';
import { obstaclesOf } from '#core/access/rule-match.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import type { Principal } from '#core/identity/principal.ts';
import { type ProtocolName, protocolOf } from '#core/protocols/protocols.ts';
import { runnableAt } from '#core/tasks/may-run.ts';
import { namedByToken } from '#core/tasks/names.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import type { Asking } from '../asking.ts';
import { callerOf, contextOf } from '../caller.ts';
import { type ApiEvent, type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
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
  /** For clients of a protocol; undefined where the gateway does not speak it. */
  readonly gateway: (protocol: ProtocolName) => Promise<GatewayAddress | undefined>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** One for each protocol: whoever adds a protocol says where the gateway speaks it. */
export function gatewayAddresses(
  byProtocol: Readonly<Record<ProtocolName, () => Promise<GatewayAddress | undefined>>>,
): TargetsPorts['gateway'] {
  return (protocol) => byProtocol[protocol]();
}

const LOGIN_SECONDS = 10;

type Answer = z.input<typeof targetsShape>['targets'][number];

/** GET /v1/targets: what the caller may connect to or ask for, and how. The target's own address is nobody's business. */
export function targetsHandler({ policy, requests, gateway, now, log }: TargetsPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const caller = callerOf(event);
    const asking = { caller, policy: policy(), context: asFromDevice(caller, event), now: now() };
    queryOf(noQuery, event);
    const addresses = await addressesOf(asking.policy, gateway);
    const open = await openRequestsOf({ ...asking, openAt: asking.now, limit: 1_000 }, requests);
    const targets = [...asking.policy.targets.values()].flatMap((target) => {
      const access = accessByLogin(target, open, asking);
      const { name, protocol } = target;
      const address = addresses.get(protocol);
      if (access === undefined || address === undefined) return [];
      const connectSeconds = connectSecondsOf(target, access, asking.policy);
      return [{ name, protocol, ...address, connectSeconds, ...access, ...sandboxOf(target) }];
    });
    return json(targetsShape, { targets });
  });
}

/** Whoever may come in with a touch, or from a device of theirs, may come in: the API sees neither. */
function asFromDevice(caller: Principal, event: ApiEvent): Context {
  const registered = { id: '', owner: caller, name: '', fido: true, attested: false };
  return { ...contextOf(event), userVerified: true, device: { registered } };
}

async function addressesOf({ targets }: Config, gateway: TargetsPorts['gateway']) {
  const spoken = [...new Set([...targets.values()].map(({ protocol }) => protocol))];
  return new Map(await Promise.all(spoken.map(async (name) => [name, await gateway(name)] as const)));
}

/** Whoever may connect to it may know of what it is a copy. */
function sandboxOf({ sandbox }: Target): Pick<Answer, 'sandbox'> {
  if (sandbox === undefined) return {};
  if (sandbox === true) return { sandbox: {} };
  return { sandbox: { from: sandbox.from, at: sandbox.at, seconds: Math.round(sandbox.for / 1000) } };
}

type Access = Pick<Answer, 'access' | 'until' | 'ask'>;

const BEST_FIRST: readonly Access['access'][] = ['standing', 'granted', 'requestable', 'task'];

/** Where a client chooses a login: those that the caller may choose or ask for, and the best that they get with one. */
function accessByLogin(target: Target, grants: readonly AccessRequest[], asking: Asking) {
  const logins = protocolOf(target).logins(target);
  if (logins.length === 0) {
    const access = accessTo(target, grants, asking);
    return access && { database: target.name, ...access };
  }
  const found = logins.flatMap((login) => {
    const access = accessTo(target, grants, { ...asking, context: { ...asking.context, login } });
    return access === undefined ? [] : [{ login, access }];
  });
  const [best] = found.toSorted(
    (one, other) => BEST_FIRST.indexOf(one.access.access) - BEST_FIRST.indexOf(other.access.access),
  );
  if (best === undefined) return undefined;
  const terms = new Map(found.flatMap(({ access }) => access.ask.map((one) => [one.rule, one] as const)));
  return { logins: found.map(({ login }) => login), ...best.access, ask: [...terms.values()] };
}

/** Undefined where the caller may not even ask. */
function accessTo(
  reached: Target,
  grants: readonly AccessRequest[],
  { policy, caller: principal, context, now }: Asking,
): Access | undefined {
  const target = reached.name;
  const isForLogin = (rule: Rule): boolean =>
    protocolOf(reached).obstacles(rule, reached, context).length === 0;
  const connect = decide({ policy, principal, action: 'connect', target, context, grants, now });
  const ask = [false, true].flatMap((breakGlass) => {
    const wish = { breakGlass };
    const question = { policy, principal, action: 'request' as const, target, wish, context, now };
    if (!Authorization.isOne(decide(question))) return [];
    return policy.rules
      .filter((rule) => rule.deny === undefined && obstaclesOf(rule, question).length === 0)
      .filter(isForLogin)
      .map(termsOf);
  });
  if (!Authorization.isOne(connect)) {
    if (connect.code === 'approval-required' || ask.length > 0) return { access: 'requestable', ask };
    return isReachedByTask(reached, { policy, caller: principal, context, now })
      ? { access: 'task', ask }
      : undefined;
  }
  const { grant } = connect;
  return grant === undefined
    ? { access: 'standing', ask }
    : { access: 'granted', until: grant.until.toISOString(), ask };
}

/** As a task of a run, which has to be named then. */
function isReachedByTask(
  { name: target }: Target,
  { policy, caller: principal, context, now }: Asking,
): boolean {
  const run = namedByToken(principal)?.run ?? '';
  return runnableAt(target, principal, policy)
    .filter(({ workflow, task }) => {
      const wanted = policy.workflows.get(workflow)!.tasks[task]!.login;
      return context.login === undefined || wanted === undefined || wanted === context.login;
    })
    .some(({ workflow, task }) => {
      const digest = workflowDigest(policy.workflows.get(workflow)!);
      const asTask = { ...context, task: { run, workflow, digest, task } };
      return Authorization.isOne(
        decide({ policy, principal, action: 'connect', target, context: asTask, now }),
      );
    });
}

/** The gateway's own clock for a login, the target's, and how long a client may wait for reviewers and for who watches. */
function connectSecondsOf(
  { connect, name }: Target,
  { access, ask }: Pick<Answer, 'access' | 'ask'>,
  { rules }: Config,
): number {
  const seconds = LOGIN_SECONDS + Math.ceil(connect.timeout / 1000);
  // Which rule it will be is not known here; of those for this target, the one that waits for the longest.
  const ofTarget = rules.filter(({ targets }) => targets.includes(name) || targets.includes('*'));
  const watched = longest(ofTarget.map(({ moderated }) => moderated?.wait ?? 0));
  if (access !== 'requestable') return seconds + watched;
  const names = new Set(ask.map(({ rule }) => rule));
  const waits = rules.filter(({ name: rule }) => names.has(rule)).map(({ approval }) => approval?.wait ?? 0);
  return seconds + watched + longest(waits);
}

/** In seconds. */
function longest(waits: readonly number[]): number {
  return Math.ceil(Math.max(0, ...waits) / 1000);
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
    reviewers: (approval ?? breakGlass)!.reviewers,
    ...(approval === undefined ? {} : { pendingSeconds: Math.floor(approval.pendingFor / 1000) }),
    for: approval?.for ?? 'any',
  };
}
