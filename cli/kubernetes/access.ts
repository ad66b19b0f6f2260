/** Whether somebody may connect to a target now; where they have to ask for it, they do, and wait. */
import { randomUUID } from 'node:crypto';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { type AccessRequest, type AskBody, createRequest, getRequest, requestPages } from '../access-api.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import { claimsOf } from '../claims.ts';
import { type Cli, say } from '../cli.ts';
import { knownTarget } from '../known-target.ts';
import { withLock } from '../lock.ts';
import { currentToken } from '../tokens.ts';
import { WAIT_MS, waitUntil } from '../wait.ts';
import type { Person } from './asking-person.ts';

export interface Wanted {
  readonly target: string;
  readonly run?: string;
  readonly task?: string;
  readonly reason?: string;
  readonly ticket?: string;
}

const PENDING_MAX = 200;

/** Rejects with what is in the way, and what to do about it; the gateway decides all the same. */
export async function mayConnect(
  cli: Cli,
  api: Api,
  wanted: Wanted,
  person: Person | undefined,
): Promise<void> {
  const target = await knownTarget(api, wanted.target);
  if (target.protocol !== 'kubernetes') throw noCluster(target);
  // Who decides about a task, and when, is the gateway's to see.
  if (wanted.task !== undefined) return;
  switch (target.access) {
    case 'standing':
    case 'granted':
      return;
    case 'task':
      throw onlyTasks(target);
    case 'requestable':
      return askAndWait(cli, api, target, wanted, person);
  }
}

async function askAndWait(
  cli: Cli,
  api: Api,
  target: Target,
  wanted: Wanted,
  person: Person | undefined,
): Promise<void> {
  const request =
    (await pendingOwn(api, target)) ?? (await ask(cli, api, await bodyOf(target, wanted, person)));
  if (request.state === 'pending') sayWaiting(cli, target, request);
  const decided = await waitUntil(
    cli,
    WAIT_MS,
    async () => look(cli, api, request.id, process.ppid),
    ({ state }) => state !== 'pending',
  );
  if (decided.state !== 'granted') throw notGranted(target, decided);
  say(cli, `custody: ${target.name} is granted until ${decided.grant!.until}`);
}

const parent = process.ppid;

/** The token may be made new meanwhile. Whoever started us may be gone: nobody waits for it then. */
async function look(cli: Cli, { base }: Api, id: string, now: number): Promise<AccessRequest> {
  if (now !== parent) throw new CustodyError('peer-left', 'the program that wanted the credential has gone');
  return getRequest({ base, token: await currentToken(cli) }, id);
}

async function pendingOwn(api: Api, { name }: Pick<Target, 'name'>): Promise<AccessRequest | undefined> {
  const { issuer, subject } = claimsOf(api.token!);
  const pages = requestPages(api, { target: name, state: 'pending' }, { limit: PENDING_MAX });
  for await (const page of pages)
    for (const request of page) {
      const { requester, run, statements, deviation } = request;
      const isOwn = requester.issuer === issuer && requester.subject === subject && !requester.actors;
      if (isOwn && run === undefined && statements === undefined && deviation === undefined) return request;
    }
  return undefined;
}

/** Once, also where several clients ask at the same time. */
function ask(cli: Cli, api: Api, body: AskBody): Promise<AccessRequest> {
  return withLock(cli.home, 'kubernetes-ask', async () => {
    return (await pendingOwn(api, { name: body.target })) ?? createRequest(api, body, randomUUID());
  });
}

async function bodyOf(target: Target, wanted: Wanted, person: Person | undefined): Promise<AskBody> {
  const terms = target.ask.filter(({ breakGlass, statements }) => !breakGlass && statements === 'any');
  if (terms.length === 0) throw onlyOtherwise(target);
  const wish = async (what: 'reason' | 'ticket'): Promise<Partial<AskBody>> => {
    if (wanted[what]) return { [what]: wanted[what] };
    if (!terms.every((one) => one[what] === 'required')) return {};
    const answer = await person?.ask(`custody: ${target.name} needs an approval; ${what}: `);
    if (!answer?.trim()) throw needs(target, what);
    return { [what]: answer.trim() };
  };
  return { target: target.name, ...(await wish('reason')), ...(await wish('ticket')) };
}

function sayWaiting(cli: Cli, { name }: Target, { id, needs: wanted, pendingUntil }: AccessRequest): void {
  const groups = wanted?.any?.join(' or ') ?? wanted?.all?.join(' and ') ?? 'its reviewers';
  const many =
    wanted === undefined
      ? 'an approval'
      : wanted.approvals === 1
        ? '1 approval'
        : `${wanted.approvals} approvals`;
  say(cli, `custody: ${name} needs ${many} by ${groups}; request ${id} waits for it until ${pendingUntil}`);
  say(cli, `custody: they decide by custody approve ${id}; Ctrl-C waits no longer, and the request stays`);
}

function notGranted({ name }: Target, { id, state, decisions }: AccessRequest): CustodyError {
  const denial = decisions.find(({ decision }) => decision === 'denied');
  const by = denial === undefined ? '' : ` by ${nameOf(denial.by)}`;
  const comment = denial?.comment === undefined ? '' : `: ${denial.comment}`;
  const what = state === 'pending' ? 'nobody has decided about it yet' : `it is ${state}${by}${comment}`;
  return new CustodyError('access-denied', `you may not connect to ${name}: of request ${id}, ${what}`, {
    hint: `custody requests ${id} shows it; ask again by running the same once more`,
  });
}

function needs({ name }: Target, what: 'reason' | 'ticket'): CustodyError {
  return new CustodyError('approval-required', `${name} needs an approval, and for it a ${what}`, {
    hint: `CUSTODY_${what.toUpperCase()}='…' kubectl …, which then asks and waits; or first: custody request ${name} --${what} '…' --wait`,
  });
}

function onlyOtherwise({ name, ask }: Target): CustodyError {
  const exact = ask.some(({ breakGlass }) => !breakGlass);
  const how = exact ? '--file CALLS: the approval names the calls' : "--break-glass --reason '…'";
  return new CustodyError('approval-required', `${name} has to be asked for, and not from within a client`, {
    hint: `custody request ${name} ${how}`,
  });
}

function onlyTasks({ name }: Target): CustodyError {
  return new CustodyError('access-denied', `you reach ${name} only as a task of a run`, {
    hint: 'custody run task RUN TASK -- kubectl …',
  });
}

function noCluster({ name, protocol }: Target): CustodyError {
  return new CustodyError('unsupported', `${name} is no cluster: it speaks ${protocol}`, {
    hint: `custody connect ${name}`,
  });
}
