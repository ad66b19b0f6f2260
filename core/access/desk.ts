import { addSteps, Telling } from '../added-steps.ts';
import { CustodyError } from '../errors.ts';
import { enter, type LeafSink } from '../ledger/leaves.ts';
import type { Authorization } from './decide.ts';
import { accessLeaf } from './leaves.ts';
import { type Ask, newDeviationRequest, newRequest } from './lifecycle.ts';
import { type NewsStream, newsOf } from './news.ts';
import { sameActors } from './person.ts';
import type { AccessRequest, AskedDeviation, Step } from './request.ts';
import type { AccessOutbox, AccessRequests } from './store.ts';

export interface DeskPorts {
  readonly requests: AccessRequests & AccessOutbox;
  readonly leaves: LeafSink;
  readonly stream: NewsStream;
  readonly now: () => Date;
  /** A new UUID version 7. */
  readonly newId: (now: Date) => string;
}

const TOLD_AT_ONCE = 100;

/** Where requests are made and changed: each change is durable, in the ledger's queue and told before it is answered. */
export class AccessDesk {
  readonly #ports: DeskPorts;
  readonly #telling = new Telling((id) => this.#tellRest(id));

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  /** Makes a request. `key`: the same key of the same requester makes one request. Throws what `newRequest` throws. */
  async ask(permission: Authorization<'request'>, ask: Ask, key?: string): Promise<AccessRequest> {
    const { requests, now, newId } = this.#ports;
    const at = now();
    const request = newRequest(permission, ask, newId(at), at);
    const stored = await requests.create(request, key);
    if (stored.id !== request.id) refuseAnother(stored, request);
    await this.tell(stored.id);
    return stored;
  }

  /** The same for a command that waits: each that waits is asked about by itself. */
  async askToGoOn(permission: Authorization<'request'>, deviation: AskedDeviation): Promise<AccessRequest> {
    const { requests, now, newId } = this.#ports;
    const at = now();
    const request = await requests.create(newDeviationRequest(permission, deviation, newId(at), at));
    await this.tell(request.id);
    return request;
  }

  /**
   * Adds the steps that `steps` makes of the request as it is now; nothing where it makes none. Of two changes at once, one
   * sees what the other did. Rejects with what `steps` throws, and with `not-found`.
   */
  async change(
    id: string,
    steps: (request: AccessRequest, now: Date) => readonly Step[],
  ): Promise<AccessRequest> {
    const { requests, now } = this.#ports;
    const many = 'too many people change this request at once';
    const changed = await addSteps(requests, id, (request: AccessRequest) => steps(request, now()), many);
    await this.tell(id);
    return changed;
  }

  /** Enters and tells what has not been told of this request. When it returns, all of it is in the ledger's queue. */
  tell(id: string): Promise<void> {
    return this.#telling.of(id);
  }

  async #tellRest(id: string): Promise<void> {
    for (const { request, told } of await this.#ports.requests.untold(1, id)) await this.#tell(request, told);
  }

  /**
   * The same for all requests: what somebody left behind who died. Returns how many there were. One that cannot be told keeps no
   * other from it; rejects for it at the end.
   */
  async tellAll(): Promise<number> {
    const untold = await this.#ports.requests.untold(TOLD_AT_ONCE);
    await this.#telling.each(untold.map(({ request }) => request.id));
    return untold.length;
  }

  /** The ledger first: what outsiders are told about has happened for everybody. */
  async #tell(request: AccessRequest, told: number): Promise<void> {
    const { leaves, stream, requests } = this.#ports;
    const count = request.steps.length + 1;
    for (let number = told; number < count; number += 1) {
      await enter(accessLeaf(request, number), leaves);
      await stream.tell(newsOf(request, number));
    }
    await requests.told(request.id, count);
  }
}

/** A key that was used before stands for what was asked for then. */
function refuseAnother(stored: AccessRequest, asked: AccessRequest): void {
  const essence = ({ target, rule, reason, ticket, durationMs, statements, run }: AccessRequest): string =>
    JSON.stringify([target, rule, reason, ticket, durationMs, statements?.map(({ sha256 }) => sha256), run]);
  // Who acts for somebody shares their keys, and is another requester all the same.
  if (essence(stored) === essence(asked) && sameActors(stored.requester, asked.requester)) return;
  throw new CustodyError('conflict', 'this idempotency key was used for another request', {
    hint: 'use a new key for a new request',
  });
}
