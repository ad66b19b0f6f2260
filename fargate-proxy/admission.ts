import type { z } from 'zod';
import type { ComingTask, Context } from '#core/access/conditions.ts';
import { Authorization, decide, type Refusal, refusalError } from '#core/access/decide.ts';
import type { AccessDesk } from '#core/access/desk.ts';
import { use } from '#core/access/lifecycle.ts';
import { sameHolder } from '#core/access/own.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import { personOf, sameActors } from '#core/access/person.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { type AccessRequest, type AskedRun, stateOf } from '#core/access/request.ts';
import { claimedHolder } from '#core/access/ssh-certificates/claimed.ts';
import type { AccessCatalog, AccessRequests } from '#core/access/store.ts';
import { askWords } from '#core/access/words.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Credential } from '#core/identity/credential.ts';
import type { DeviceBook } from '#core/identity/devices/store.ts';
import type { CertificateVerifier, Principal, TokenVerifier } from '#core/identity/principal.ts';
import type { Standing } from '#core/identity/standing.ts';
import type { Shown, TokenFailures } from '#core/identity/token-failures.ts';
import { type ProtocolName, protocolOf } from '#core/protocols/protocols.ts';
import { recordedPrincipal } from '#core/recording/statements.ts';
import { begun, sideBySide } from '#core/side-by-side.ts';
import { claimedIssuer, type RefusalCounter } from '#core/status/refusals.ts';
import { comingTask } from '#core/tasks/coming.ts';
import type { Runs } from '#core/tasks/store.ts';
import { comingOf } from './coming.ts';
import type { Greeting } from './protocol.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface AdmissionPorts {
  readonly policy: PolicyInForce;
  /** For the identity provider that the configuration names now. */
  readonly verifier: () => TokenVerifier;
  /** For certificates of our own CA; none is good where it is absent. */
  readonly certificates?: CertificateVerifier;
  /** What became known of people since their tokens were issued. */
  readonly standing: Standing;
  readonly failures: TokenFailures;
  /** Counts whom it does not let in by what they show. */
  readonly refusals: Pick<RefusalCounter, 'note'>;
  /** Keys that people registered. */
  readonly devices: DeviceBook;
  readonly requests: AccessRequests & AccessCatalog;
  readonly desk: AccessDesk;
  /** What sessions may be tasks of. */
  readonly runs: Pick<Runs, 'get'>;
  /** Where people look at a request; nothing is linked without it. */
  readonly requestUrl?: (id: string) => string;
  readonly wallClock: () => Date;
  readonly pause: (ms: number) => Promise<void>;
  /** Shared with whoever else waits for people. */
  readonly waitingRoom: WaitingRoom;
}

/** Somebody at the door. */
export interface Visitor {
  readonly greeting: Greeting;
  /** What the client speaks. */
  readonly protocol: ProtocolName;
  /** The address of the client, as the socket has it. */
  readonly network: string | undefined;
  /** Stops the login's clock while somebody decides, and starts it anew. */
  readonly clock: { stop(): void; restart(): void };
  /** It has proved who it is. Throws when the gateway has no room for one more session. */
  readonly goIn?: (principal: Principal) => void;
}

/** What a decision about a session rests on, beside the configuration. */
interface Known {
  readonly principal: Principal;
  readonly target: string;
  readonly context: Context;
  readonly grants: readonly AccessRequest[];
  readonly now: Date;
}

interface Identified {
  readonly principal: Principal;
  readonly known: Promise<Known>;
}

const POLL_MS = 500;
/** Requests of one person for one target that are looked at. */
const OPEN_MAX = 100;

/** Identify and authorize: from a token to permission, waiting for reviewers where the rule says so. */
export class Admission {
  readonly #ports: AdmissionPorts;
  readonly #asking = new Map<string, Promise<AccessRequest>>();
  #closed: CustodyError | undefined;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  /** Nobody waits any more: they are told this. */
  close(error: CustodyError): void {
    this.#closed = error;
  }

  /** Rejects with the words for a client that may not enter. */
  async admit(visitor: Visitor): Promise<Authorization<'connect'>> {
    const { principal, known } = await this.#identify(visitor);
    visitor.goIn?.(principal);
    const decision = this.#decide(await known);
    if (Authorization.isOne(decision)) return spokenTo(decision, visitor);
    const wait = decision.ask?.approval?.wait;
    if (wait === undefined) throw refusalError(decision);
    return this.#waitFor(decision, wait, principal, visitor);
  }

  /** When it returns, what the grant rests on is in the ledger's queue: nothing rests on it before. */
  async tell({ grant }: Authorization<'connect'>): Promise<void> {
    if (grant !== undefined) await this.#ports.desk.tell(grant.id);
  }

  /**
   * A grant that is for one session becomes this one's: when it returns, that is durable. Rejects with `conflict` when another
   * session has it, or when there is no grant any more; on any other rejection it may be this session's, which may claim it again.
   */
  async claim({ grant }: Authorization<'connect'>, session: string): Promise<void> {
    if (grant === undefined) return;
    await this.#ports.desk.change(grant.id, (request, now) => use(request, session, now));
  }

  /** What is decided on is looked up while it is asked whether they still may. */
  async #identify(visitor: Visitor): Promise<Identified> {
    const { greeting, network } = visitor;
    const visit = this.#ports.failures.visit(network, namedIn(greeting.credential));
    try {
      visit.check();
      const principal = await this.#verified(greeting, network);
      visit.proved();
      recordedPrincipal(principal); // throws for an identity that no statement could hold
      refuseElsewhere(principal, greeting.target);
      const known = begun(this.#known(principal, visitor));
      await this.#stillMay(principal, greeting);
      greeting.identified();
      return { principal, known };
    } catch (error) {
      const { code, guess } = asCustodyError(error);
      if (guess) visit.failed();
      this.#noteRefusal(code, greeting.credential);
      throw error;
    }
  }

  #noteRefusal(code: string, credential: Credential): void {
    const { refusals, policy } = this.#ports;
    const token = credential.kind === 'token' ? credential.token : undefined;
    refusals.note(code, claimedIssuer(token, policy.config.issuers));
  }

  #verified({ credential, device }: Greeting, network: string | undefined): Promise<Principal> {
    const { verifier, certificates } = this.#ports;
    switch (credential.kind) {
      case 'token':
        return verifier().verify(credential.token, device);
      case 'ssh-certificate':
        if (certificates === undefined) throw noCertificates();
        return certificates.verify(credential.certificate, device, network);
    }
  }

  /** Rejects for somebody who was let in once and had to go, and for whoever shows a key that was revoked. */
  async #stillMay(principal: Principal, { device: proved }: Greeting): Promise<void> {
    const question = proved === undefined ? principal : { ...principal, proved };
    const [ending] = await this.#ports.standing.over([question]);
    if (ending !== undefined) throw ending.error;
  }

  async #known(principal: Principal, { greeting, network }: Visitor): Promise<Known> {
    const { wallClock, devices } = this.#ports;
    const { target } = greeting;
    const now = wallClock();
    const coming = async (): Promise<Context> =>
      comingOf(greeting, network, devices, await this.#taskOf(principal, greeting, now));
    const requests = this.#openRequests(principal, target, now);
    const [grants, context] = await sideBySide(requests, coming());
    return { principal, target, context, grants, now };
  }

  #decide(known: Known): Authorization<'connect'> | Refusal {
    return decide({ policy: this.#ports.policy.config, action: 'connect', ...known });
  }

  /** The task that the session would be. Rejects where it may not be the one that was named: it is never let in as none. */
  async #taskOf(
    principal: Principal,
    { target, login, task: named }: Greeting,
    now: Date,
  ): Promise<ComingTask | undefined> {
    const { policy, runs } = this.#ports;
    const question = { policy: policy.config, principal, named, target, login, now };
    const terms = await comingTask(question, runs);
    if (terms === undefined) return undefined;
    const { run, workflow, task } = terms;
    return { run: run.id, workflow: workflow.name, digest: workflow.digest, task: task.name };
  }

  async #openRequests(principal: Principal, target: string, now: Date): Promise<readonly AccessRequest[]> {
    const { requests, policy } = this.#ports;
    const query = { caller: principal, policy: policy.config, target, openAt: now, limit: OPEN_MAX };
    const open = await openRequestsOf(query, requests);
    return Promise.all(open.map(({ id }) => requests.get(id)));
  }

  /** Asks in the client's name, tells it so, and looks until somebody has decided or the time is over. */
  async #waitFor(
    refusal: Refusal,
    waitMs: number,
    principal: Principal,
    visitor: Visitor,
  ): Promise<Authorization<'connect'>> {
    if (this.#ports.waitingRoom.isFull) throw refusalError(refusal);
    const leave = this.#ports.waitingRoom.enter();
    visitor.clock.stop();
    try {
      const request = await this.#requestFor(refusal, principal, visitor);
      this.#announce(request, waitMs, visitor.greeting);
      await this.#decided(request.id, waitMs, visitor.greeting);
      await this.#stillMay(principal, visitor.greeting);
      const decision = this.#decide(await this.#known(principal, visitor));
      if (Authorization.isOne(decision)) return spokenTo(decision, visitor);
      throw refusalError(decision);
    } finally {
      leave();
      visitor.clock.restart();
    }
  }

  /** One request for all connections of one person that wait for the same, by one rule; who acts for them asks by themselves. */
  #requestFor(refusal: Refusal, principal: Principal, visitor: Visitor): Promise<AccessRequest> {
    const { target, task } = visitor.greeting;
    const key = JSON.stringify([personOf(principal), target, refusal.ask!.name, task ?? null]);
    const asking = this.#asking.get(key) ?? this.#pendingRequest(refusal, principal, visitor);
    this.#asking.set(key, asking);
    return asking.finally(() => this.#asking.delete(key));
  }

  /** One that waits already, else a new one. */
  async #pendingRequest(
    refusal: Refusal,
    principal: Principal,
    { greeting }: Visitor,
  ): Promise<AccessRequest> {
    const { policy, desk, wallClock } = this.#ports;
    const { target, ask } = greeting;
    const now = wallClock();
    const task = await this.#taskOf(principal, greeting, now);
    const rule = refusal.ask!.name;
    const open = await this.#openRequests(principal, target, now);
    // One that is bound to commands was asked for by somebody who meant another session.
    const waiting = open.find(
      (request) =>
        request.rule === rule &&
        request.statements === undefined &&
        request.deviation === undefined &&
        isForTask(request, task) &&
        sameHolder(principal, request.requester, policy.config) &&
        sameActors(principal, request.requester) &&
        stateOf(request, now) === 'pending',
    );
    if (waiting !== undefined) return waiting;
    const question = {
      policy: policy.config,
      principal,
      action: 'request' as const,
      target,
      wish: { rule },
      ...(task === undefined ? {} : { context: { task } }),
      now,
    };
    const permission = decide(question);
    if (!Authorization.isOne(permission)) throw refusalError(permission);
    try {
      return await desk.ask(permission, { ...said(ask), ...runOf(task) });
    } catch (error) {
      return notEnough(error, refusal);
    }
  }

  #announce({ id, target }: AccessRequest, waitMs: number, greeting: Greeting): void {
    const url = this.#ports.requestUrl?.(id);
    const seconds = Math.round(waitMs / 1000);
    const link = url === undefined ? '' : `; see ${url}`;
    const next = `reviewers decide with: custody approve ${id}${link}`;
    greeting.notify(
      `access to "${target}" needs an approval: request ${id} waits for reviewers`,
      `this connection waits up to ${seconds} s; ${next}`,
      next,
    );
  }

  async #decided(id: string, waitMs: number, greeting: Greeting): Promise<void> {
    const { requests, wallClock, pause } = this.#ports;
    const deadline = wallClock().getTime() + waitMs;
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (greeting.gone) throw new CustodyError('too-slow', 'the client went away while it waited');
      const state = stateOf(await requests.get(id), wallClock());
      if (state === 'granted') return;
      if (state !== 'pending') throw new CustodyError('access-denied', `the request ${id} was ${state}`);
      if (wallClock().getTime() >= deadline) throw stillWaiting(id);
      await pause(POLL_MS);
    }
  }
}

/** Whoever comes as a task asks for that task of that run alone: reviewers then see its contract. */
function runOf(task: ComingTask | undefined): { readonly run?: AskedRun } {
  if (task === undefined) return {};
  const { run, workflow, digest, task: name } = task;
  return { run: { id: run, workflow, workflowDigest: digest, task: name } };
}

function isForTask({ run }: AccessRequest, task: ComingTask | undefined): boolean {
  return run?.id === task?.run && run?.task === task?.task;
}

/** Told to whoever may enter alone: others learn nothing of a target. */
function spokenTo(
  permission: Authorization<'connect'>,
  { protocol, greeting }: Visitor,
): Authorization<'connect'> {
  const { target } = permission;
  if (target.protocol === protocol) return permission;
  const { label } = protocolOf(target);
  throw new CustodyError('access-denied', `the target "${greeting.target}" speaks ${label}`, {
    hint: `connect to it with a client of ${label}: custody connect ${target.name}`,
  });
}

/** What guesses are counted by. */
function namedIn(credential: Credential): Shown {
  return credential.kind === 'token' ? credential.token : claimedHolder(credential.certificate);
}

/** Whoever asked for a certificate for one target meant that nothing else can be done with it. */
function refuseElsewhere({ certificate }: Principal, target: string): void {
  if (certificate?.target === undefined || certificate.target === target) return;
  throw new CustodyError('access-denied', 'the SSH certificate is for another target', {
    hint: 'get one for this target: custody ssh-login',
  });
}

function noCertificates(): CustodyError {
  return new CustodyError('token-invalid', 'this gateway takes no SSH certificates', {
    hint: 'log in without one, and confirm the login in a browser',
    detail: 'no CA for users is configured',
  });
}

/** What a client says at its start is taken as the API would take it: it is shown to the same people. */
function said(ask: Greeting['ask']): Greeting['ask'] {
  const parsed = askWords.safeParse(ask);
  if (parsed.success) {
    const { reason, ticket } = parsed.data;
    return { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) };
  }
  const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
  throw new CustodyError('format-invalid', `of custody.${path.join('.')} ${message}`);
}

function stillWaiting(id: string): CustodyError {
  return new CustodyError('approval-required', `nobody has decided about the request ${id} yet`, {
    hint: `connect again when it is approved: custody requests ${id} --wait`,
  });
}

/** The rule wants more than a client says when it connects: then it is asked for in another way. */
function notEnough(error: unknown, refusal: Refusal): never {
  const { code, message } = asCustodyError(error);
  if (code !== 'format-invalid') throw error;
  throw new CustodyError(refusal.code, `${refusal.message}, and ${message}`, {
    hint: `say why: custody connect --reason "…"; or ${refusal.hint}`,
  });
}
