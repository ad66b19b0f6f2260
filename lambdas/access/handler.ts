import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { decide, refusalError } from '#core/access/decide.ts';
import type { AccessDesk } from '#core/access/desk.ts';
import { giveBack, judge, review, revoke } from '#core/access/lifecycle.ts';
import { type AccessRequest, grantOf, type Step } from '#core/access/request.ts';
import { nameStatements } from '#core/access/statements.ts';
import type { AccessCatalog, AccessRequests } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { Runs } from '#core/tasks/store.ts';
import { type Asking, askingOf } from '../asking.ts';
import { type ApiEvent, type ApiResult, bodyOf, type HttpHandler, httpHandler, json } from '../http.ts';
import { idempotencyKey } from '../idempotency-key.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { grantAnswer, requestAnswer } from './answers.ts';
import { listGrants, listRequests } from './lists.ts';
import { askedRun, contractsOf } from './runs.ts';
import {
  decisionBody,
  grantShape,
  nothingBody,
  requestBody,
  requestId,
  requestShape,
  reviewBody,
  revocationBody,
} from './shapes.ts';
import { isOwn, mayDecide, noSuchRequest, requireVisible } from './visible.ts';

export interface AccessPorts {
  readonly policy: () => Config;
  readonly requests: AccessRequests & AccessCatalog;
  readonly desk: AccessDesk;
  /** Grants may be for them. */
  readonly runs: Pick<Runs, 'get'>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** Requests of one person that still matter: beyond it, something has gone wrong. */
const OPEN_MAX = 50;

/** Requests, decisions and grants: /v1/requests and /v1/grants. `routeKey` names the operation. */
export function accessHandler(ports: AccessPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    switch (event.routeKey) {
      case 'GET /v1/requests':
        return listRequests(event, asking, ports.requests);
      case 'POST /v1/requests':
        return create(event, asking, ports);
      case 'GET /v1/requests/{id}':
        return requestResult(await visible(event, asking, ports), asking);
      case 'POST /v1/requests/{id}/decisions':
        return decideAbout(event, asking, ports);
      case 'POST /v1/requests/{id}/return':
      case 'POST /v1/grants/{id}/return':
        return takeBack(event, asking, ports);
      case 'POST /v1/requests/{id}/review':
        return reviewGlass(event, asking, ports);
      case 'GET /v1/grants':
        return listGrants(event, asking, ports.requests);
      case 'GET /v1/grants/{id}':
        return json(grantShape, grantAnswer(await visibleGrant(event, asking, ports), asking));
      case 'POST /v1/grants/{id}/revocation':
        return revokeGrant(event, asking, ports);
      default:
        throw noSuchOperation();
    }
  });
}

async function create(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<ApiResult> {
  const { desk, requests, runs } = ports;
  const body = bodyOf(requestBody, event);
  const { target, rule, breakGlass, statements, durationSeconds, reason, ticket } = body;
  const { policy, caller: principal, context, now } = asking;
  const wish = { breakGlass, ...(rule === undefined ? {} : { rule }) };
  const permission = decide({ policy, principal, action: 'request', target, wish, context, now });
  if ('code' in permission) throw refusalError(permission);
  if (statements !== undefined) protocolOf(permission.target).refuseUnapprovable(statements);
  const run = await askedRun(body, asking, runs);
  const key = idempotencyKey(event);
  await refuseTooMany(asking, requests);
  const ask = {
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(durationSeconds === undefined ? {} : { durationMs: durationSeconds * 1000 }),
    ...(statements === undefined ? {} : { statements: nameStatements(statements) }),
    ...(run === undefined ? {} : { run }),
  };
  const request = await desk.ask(permission, ask, key);
  return requestResult(request, asking, 201);
}

async function refuseTooMany({ caller, now }: Asking, requests: AccessCatalog): Promise<void> {
  const open = await requests.list({ requester: caller, openAt: now, limit: OPEN_MAX });
  if (open.next === undefined) return;
  throw new CustodyError('conflict', `you have ${OPEN_MAX} open requests already`, {
    hint: 'give back what you do not need: custody return <id>',
  });
}

function decideAbout(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<ApiResult> {
  const { decision, comment } = bodyOf(decisionBody, event);
  return changed(event, asking, ports, (request, now) =>
    judge(request, reviewer(request, asking), decision, comment, now),
  );
}

function takeBack(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<ApiResult> {
  bodyOf(nothingBody, event);
  return changed(event, asking, ports, (request, now) => {
    if (isOwn(request, asking)) return giveBack(request, asking.caller, now, asking.policy);
    throw new CustodyError('access-denied', 'only who asked for it can give it back', {
      hint: `reviewers revoke: custody revoke ${request.id}`,
    });
  });
}

function reviewGlass(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<ApiResult> {
  const { verdict, comment } = bodyOf(reviewBody, event);
  return changed(event, asking, ports, (request, now) =>
    review(request, reviewer(request, asking), verdict, comment, now),
  );
}

async function revokeGrant(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<ApiResult> {
  const { comment } = bodyOf(revocationBody, event);
  return changed(event, asking, ports, (request, now) =>
    revoke(request, reviewer(request, asking), comment, now),
  );
}

function reviewer(request: AccessRequest, asking: Asking) {
  const decision = mayDecide(request, asking);
  if ('code' in decision) throw refusalError(decision);
  return decision;
}

/** Looks and decides about the very state that is then changed; `If-Match` names the one that the caller saw. */
async function changed(
  event: ApiEvent,
  asking: Asking,
  { desk }: AccessPorts,
  steps: (request: AccessRequest, now: Date) => readonly Step[],
): Promise<ApiResult> {
  const seen = event.headers['if-match'];
  const request = await desk
    .change(idOf(event), (request, now) => {
      requireVisible(request, asking);
      if (seen !== undefined && seen !== '*' && seen !== etagOf(request)) throw changedSince();
      return steps(request, now);
    })
    .catch(hideMissing);
  return requestResult(request, { ...asking, now: later(asking.now, request) });
}

/** The moment that is answered about is not before the step that was just made. */
function later(now: Date, { steps }: AccessRequest): Date {
  const last = Date.parse(steps.at(-1)?.at ?? '');
  return last > now.getTime() ? new Date(last) : now;
}

async function visible(event: ApiEvent, asking: Asking, { requests }: AccessPorts): Promise<AccessRequest> {
  const request = await requests.get(idOf(event)).catch(hideMissing);
  requireVisible(request, asking);
  return request;
}

async function visibleGrant(event: ApiEvent, asking: Asking, ports: AccessPorts): Promise<AccessRequest> {
  const request = await visible(event, asking, ports);
  if (grantOf(request) !== undefined) return request;
  throw new CustodyError('not-found', 'no grant has come of this request', {
    hint: `custody requests ${request.id}`,
  });
}

function idOf({ pathParameters }: ApiEvent): string {
  const parsed = requestId.safeParse(pathParameters?.['id']);
  if (parsed.success) return parsed.data;
  throw noSuchRequest();
}

function hideMissing(error: unknown): never {
  throw asCustodyError(error).code === 'not-found' ? noSuchRequest() : error;
}

function requestResult(request: AccessRequest, asking: Asking, status = 200): ApiResult {
  const headers = {
    etag: etagOf(request),
    ...(status === 201 ? { location: `/v1/requests/${request.id}` } : {}),
  };
  const contracts = contractsOf(request, asking);
  const answer: z.input<typeof requestShape> = {
    ...requestAnswer(request, asking),
    ...(contracts === undefined ? {} : { contracts }),
  };
  return json(requestShape, answer, { status, headers });
}

/** Steps are only added: their number names the state (RFC 9110 section 8.8.3). */
function etagOf({ steps }: AccessRequest): string {
  return `"${steps.length}"`;
}

function changedSince(): CustodyError {
  return new CustodyError('precondition-failed', 'the request has changed since you looked', {
    hint: 'look at it again',
  });
}
