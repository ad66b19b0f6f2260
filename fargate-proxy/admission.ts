import type { z } from 'zod';
import type { AccessDesk } from '#core/access/desk.ts';
import { Authorization, decide, type Refusal, refusalError } from '#core/access/decide.ts';
import { use } from '#core/access/lifecycle.ts';
import { sameHolder } from '#core/access/own.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import { personOf, sameActors } from '#core/access/person.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { type AccessRequest, stateOf } from '#core/access/request.ts';
import { askWords } from '#core/access/words.ts';
import type { AccessCatalog, AccessRequests } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import type { Standing } from '#core/identity/standing.ts';
import type { TokenFailures } from '#core/identity/token-failures.ts';
import { recordedPrincipal } from '#core/recording/statements.ts';
import type { Greeting } from './protocol.ts';

export interface AdmissionPorts {
  readonly policy: PolicyInForce;
  /** For the identity provider that the configuration names now. */
  readonly verifier: () => TokenVerifier;
  /** What became known of people since their tokens were issued. */
  readonly standing: Standing;
  readonly failures: TokenFailures;
  readonly requests: AccessRequests & AccessCatalog;
  readonly desk: AccessDesk;
  /** Where people look at a request; nothing is linked without it. */
  readonly requestUrl?: (id: string) => string;
  readonly wallClock: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

/** Somebody at the door. */
export interface Visitor {
  readonly greeting: Greeting;
  /** The address of the client, as the socket has it. */
  readonly network: string | undefined;
  /** Stops the login's clock while somebody decides, and starts it anew. */
  readonly clock: { stop(): void; restart(): void };
  /** It has proved who it is. Throws when the gateway has no room for one more session. */
  readonly goIn?: (principal: Principal) => void;
}

const POLL_MS = 500;
/** Clients that wait for an approval at once. */
const WAITING_MAX = 200;
/** Requests of one person for one target that are looked at. */
const OPEN_MAX = 100;

/** Identify and authorize: from a token to permission, waiting for reviewers where the rule says so. */
export class Admission {
  readonly #ports: AdmissionPorts;
  #waiting = 0;
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
    const principal = await this.#identify(visitor);
    visitor.goIn?.(principal);
    const decision = await this.#decide(principal, visitor);
    if (Authorization.isOne(decision)) return decision;
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

  async #identify({ greeting, network }: Visitor): Promise<Principal> {
    const { verifier, failures } = this.#ports;
    failures.check(network, greeting.token);
    try {
      const principal = await verifier().verify(greeting.token, greeting.device);
      failures.proved(network, greeting.token);
      recordedPrincipal(principal); // throws for an identity that no statement could hold
      await this.#stillMay(principal);
      greeting.identified();
      return principal;
    } catch (error) {
      if (asCustodyError(error).guess) failures.failed(network, greeting.token);
      throw error;
    }
  }

  /** Rejects for somebody who was let in once and had to go. */
  async #stillMay(principal: Principal): Promise<void> {
    const [ending] = await this.#ports.standing.over([principal]);
    if (ending !== undefined) throw ending.error;
  }

  async #decide(
    principal: Principal,
    { greeting: { target }, network }: Visitor,
  ): Promise<Authorization<'connect'> | Refusal> {
    const { policy, wallClock } = this.#ports;
    const now = wallClock();
    const grants = await this.#openRequests(principal, target, now);
    const context = network === undefined ? {} : { network };
    return decide({ policy: policy.config, principal, action: 'connect', target, context, grants, now });
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
    if (this.#waiting >= WAITING_MAX) throw refusalError(refusal);
    this.#waiting += 1;
    visitor.clock.stop();
    try {
      const request = await this.#requestFor(refusal, principal, visitor);
      this.#announce(request, waitMs, visitor.greeting);
      await this.#decided(request.id, waitMs, visitor.greeting);
      await this.#stillMay(principal);
      const decision = await this.#decide(principal, visitor);
      if (Authorization.isOne(decision)) return decision;
      throw refusalError(decision);
    } finally {
      this.#waiting -= 1;
      visitor.clock.restart();
    }
  }

  /** One request for all connections of one person that wait for the same, by one rule; who acts for them asks by themselves. */
  #requestFor(refusal: Refusal, principal: Principal, visitor: Visitor): Promise<AccessRequest> {
    const key = JSON.stringify([personOf(principal), visitor.greeting.target, refusal.ask!.name]);
    const asking = this.#asking.get(key) ?? this.#pendingRequest(refusal, principal, visitor);
    this.#asking.set(key, asking);
    return asking.finally(() => this.#asking.delete(key));
  }

  /** One that waits already, else a new one. */
  async #pendingRequest(
    refusal: Refusal,
    principal: Principal,
    { greeting: { target, ask } }: Visitor,
  ): Promise<AccessRequest> {
    const { policy, desk, wallClock } = this.#ports;
    const now = wallClock();
    const rule = refusal.ask!.name;
    const open = await this.#openRequests(principal, target, now);
    // One that is bound to commands was asked for by somebody who meant another session.
    const waiting = open.find(
      (request) =>
        request.rule === rule &&
        request.statements === undefined &&
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
      now,
    };
    const permission = decide(question);
    if (!Authorization.isOne(permission)) throw refusalError(permission);
    try {
      return await desk.ask(permission, said(ask));
    } catch (error) {
      return notEnough(error, refusal);
    }
  }

  #announce({ id, target }: AccessRequest, waitMs: number, greeting: Greeting): void {
    const url = this.#ports.requestUrl?.(id);
    const seconds = Math.round(waitMs / 1000);
    const link = url === undefined ? '' : `; see ${url}`;
    greeting.notify(
      `access to "${target}" needs an approval: request ${id} waits for reviewers`,
      `this connection waits up to ${seconds} s; reviewers decide with: custody approve ${id}${link}`,
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
