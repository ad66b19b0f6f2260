/** What it takes to have a sandbox made. */

import type { z } from 'zod';
import { Authorization, decide, refusalError } from '#core/access/decide.ts';
import { leftOutOf } from '#core/access/left-out.ts';
import { madeSandboxOf } from '#core/access/made-sandboxes.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import type { Asking } from '../asking.ts';
import { decideFor, isKnown } from '../sessions/visible.ts';
import type { sandboxBody } from './shapes.ts';

export interface PermissionPorts {
  readonly requests: AccessCatalog;
  readonly sessions: Pick<SessionCatalog, 'get'>;
}

type Wish = z.output<typeof sandboxBody>;

export interface Permitted {
  readonly connect: Authorization<'connect'>;
  readonly rerun: Authorization<'rerun'>;
  /** Whose data it is, before which session or as of when. */
  readonly at: Date;
}

/**
 * `connect` to the sandbox's target, and `rerun`: of the session that it is for, or of anybody's at the target that it is made of.
 * Throws what to tell whoever has not both.
 */
export async function permitted(wish: Wish, asking: Asking, ports: PermissionPorts): Promise<Permitted> {
  const connect = await mayConnect(wish.target, asking, ports);
  const made = madeSandboxOf(connect.target);
  if (made === undefined)
    throw new CustodyError('unsupported', `the target "${wish.target}" is not made: it is there by itself`, {
      hint: 'sandboxes are made for targets with sandbox: { from: … }',
    });
  if (wish.session === undefined) {
    const { policy, caller: principal, context, now } = asking;
    const rerun = decide({ policy, principal, action: 'rerun', target: made.from, context, now });
    if (!Authorization.isOne(rerun)) throw needsSession(made.from);
    refuseRedacted(made.from, rerun, asking);
    return { connect, rerun, at: timeWithout(wish.at ?? 'now', now) };
  }
  const session = await knownSession(wish.session, asking, ports);
  const rerun = decideFor('rerun', session, asking);
  if (!Authorization.isOne(rerun)) throw refusalError(rerun);
  if (!Authorization.isOne(decideFor('rerun', { ...session, target: made.from }, asking)))
    throw ofAnotherSource(session, made.from);
  refuseRedacted(made.from, rerun, asking);
  if (session.protocol !== connect.target.protocol) throw ofAnotherKind(session, wish.target);
  return { connect, rerun, at: timeOf(wish.at ?? made.at, session, asking.now) };
}

async function mayConnect(
  target: string,
  asking: Asking,
  { requests }: PermissionPorts,
): Promise<Authorization<'connect'>> {
  const { policy, caller: principal, now } = asking;
  const grants = await openRequestsOf({ ...asking, target, openAt: now, limit: 100 }, requests);
  // The API sees neither a device nor a touch; the gateway does, when somebody connects.
  const registered = { id: '', owner: principal, name: '', fido: true, attested: false };
  const context = { ...asking.context, userVerified: true, device: { registered } };
  const decision = decide({ policy, principal, action: 'connect', target, context, grants, now });
  if (Authorization.isOne(decision)) return decision;
  throw refusalError(decision);
}

/** One that the caller may not know of answers like one that does not exist (security cases 7, 14). */
async function knownSession(
  id: string,
  asking: Asking,
  { sessions }: PermissionPorts,
): Promise<SessionRecord> {
  const session = await sessions.get(id).catch((error: unknown) => {
    if (asCustodyError(error).code === 'not-found') return undefined;
    throw error;
  });
  if (session !== undefined && (isKnown(session, asking) || isRerunnable(session, asking))) return session;
  throw new CustodyError('not-found', 'no such session', { hint: 'see those you may see: custody sessions' });
}

function isRerunnable(session: SessionRecord, asking: Asking): boolean {
  return Authorization.isOne(decideFor('rerun', session, asking));
}

/** As it was before the session did anything: its start is written down before its target is dialled. */
function timeOf(at: string, { startedAt }: SessionRecord, now: Date): Date {
  if (at === 'now') return now;
  if (at === 'session') return new Date(startedAt);
  throw new CustodyError('format-invalid', 'at: a session has its own time: session or now', {
    hint: 'leave the session out, or the time',
  });
}

function timeWithout(at: string, now: Date): Date {
  if (at === 'now') return now;
  if (at === 'session')
    throw new CustodyError('format-invalid', 'at: session, but no session is named', {
      hint: 'name the session, or say now or a time',
    });
  const time = new Date(at);
  if (time <= now) return time;
  throw new CustodyError('format-invalid', 'at: that time is still to come');
}

/** A copy has what the source's recordings are shown without, and nothing can be left out of it (security case 7). */
function refuseRedacted(from: string, { unredacted }: Authorization<'rerun'>, { policy }: Asking): void {
  if (unredacted || leftOutOf(from, policy) === undefined) return;
  throw new CustodyError('evidence-redacted', `${from} holds what you may not see, and so would its copy`, {
    hint: 'a rule with `unredacted: true` for `rerun` lets you have one made',
  });
}

function ofAnotherKind({ protocol }: SessionRecord, target: string): CustodyError {
  return new CustodyError('unsupported', `a session of ${protocol} cannot be run again in "${target}"`);
}

/** Its data is the source's, whatever target the session was at (security case 14). */
function ofAnotherSource({ target }: SessionRecord, from: string): CustodyError {
  return new CustodyError(
    'access-denied',
    `you may rerun sessions of ${target}, and none of what the sandbox is made of`,
    {
      hint: `name a session that you may rerun: custody sessions --target ${from}`,
    },
  );
}

function needsSession(from: string): CustodyError {
  return new CustodyError('access-denied', 'you may not have a sandbox made without a session', {
    hint: `name a session that you may rerun: custody sessions --target ${from}`,
  });
}
