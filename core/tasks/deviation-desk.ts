import { createHash } from 'node:crypto';
import type { ComingTask } from '../access/conditions.ts';
import { Authorization, decide } from '../access/decide.ts';
import type { AccessDesk } from '../access/desk.ts';
import { durationText } from '../access/duration.ts';
import { giveBack, use } from '../access/lifecycle.ts';
import type { PolicyInForce } from '../access/policy.ts';
import {
  type AccessRequest,
  type AskedDeviation,
  type RequestState,
  stateOf,
  stepOf,
} from '../access/request.ts';
import type { LiveSession } from '../access/rule-match.ts';
import type { AccessRequests } from '../access/store.ts';
import { asCustodyError } from '../errors.ts';
import type { Deviation } from './deviation.ts';

export interface DeviationPorts {
  readonly policy: Pick<PolicyInForce, 'config'>;
  readonly requests: Pick<AccessRequests, 'get'>;
  readonly desk: Pick<AccessDesk, 'askToGoOn' | 'change'>;
  readonly wallClock: () => Date;
  readonly pause: (ms: number) => Promise<void>;
  /** A place among those that wait for people; returns how to leave. Throws where there is no room. */
  readonly room: () => () => void;
  /** Where people look at a request; nothing is linked without it. */
  readonly requestUrl?: (id: string) => string;
}

/** A command that is about to go on, or an answer that came, and that its contract does not have. */
export interface DeviationQuestion {
  /** What its session was opened by, as the task that it is. */
  readonly permission: Authorization<'connect'>;
  readonly session: string;
  readonly startedAt: Date;
  /** What its run is under. */
  readonly workflowDigest: string;
  readonly deviation: Deviation;
  /** All of its text: reviewers decide about this. */
  readonly command: string;
  /** It has run already: they decide whether the session goes on. */
  readonly isAnswer: boolean;
}

export interface Waiting {
  /** When the client has gone, the session ends or the gateway does. */
  readonly signal: AbortSignal;
  /** Tells the client, once, that somebody is asked. */
  readonly announce: (message: string, hint: string) => void;
}

export type Reviewed =
  | { readonly approved: true; readonly request: string }
  /** `why`: half a sentence. `request`: where one was made. */
  | { readonly approved: false; readonly why: string; readonly request?: string };

const POLL_MS = 500;
const COMMAND_MAX_BYTES = 64 << 10;

/** Where a command waits that its contract does not have, while the contract's reviewers decide about it. */
export class DeviationDesk {
  readonly #ports: DeviationPorts;

  constructor(ports: DeviationPorts) {
    this.#ports = ports;
  }

  /**
   * Asks, waits, and answers what became of it. When it says approved, the approval is used up, durably and in the ledger's queue: the
   * command goes on once. Rejects where the requests cannot be reached: nothing goes on then.
   */
  async ask(question: DeviationQuestion, waiting: Waiting): Promise<Reviewed> {
    const unfit = unfitFor(question.command);
    if (unfit !== undefined) return { approved: false, why: unfit };
    const permission = this.#mayAsk(question);
    if (!Authorization.isOne(permission)) return { approved: false, why: permission.message };
    let leave: () => void;
    try {
      leave = this.#ports.room();
    } catch (error) {
      return { approved: false, why: asCustodyError(error).message };
    }
    try {
      const { id } = await this.#ports.desk.askToGoOn(permission, askedOf(question));
      return await this.#decided(id, question, waiting, permission.review!.pendingFor);
    } finally {
      leave();
    }
  }

  /** The gateway asks in the name of whose session it is, and only what that session may ask. */
  #mayAsk({ permission, session, startedAt, workflowDigest }: DeviationQuestion) {
    const { principal, target, rule, context, grant } = permission;
    const { policy, wallClock } = this.#ports;
    const live: LiveSession = {
      session,
      rule,
      startedAt,
      ...(grant === undefined ? {} : { grant: grant.id }),
    };
    const deviation = context.task && { ...taskOf(context.task), workflowDigest };
    const wish = deviation === undefined ? { rule } : { rule, deviation };
    const asking = { policy: policy.config, principal, target: target.name, context, live, wish };
    return decide({ ...asking, action: 'request', now: wallClock() });
  }

  async #decided(
    id: string,
    question: DeviationQuestion,
    { signal, announce }: Waiting,
    waitMs: number,
  ): Promise<Reviewed> {
    const { requests, wallClock } = this.#ports;
    this.#announce(id, question, waitMs, announce);
    for (;;) {
      if (signal.aborted) return this.#left(id, question, signal);
      const request = await requests.get(id);
      const state = stateOf(request, wallClock());
      if (state === 'granted') return this.#goOn(id, question, signal);
      if (state !== 'pending') return { approved: false, why: wordsFor(state, request), request: id };
      await this.#pause(signal);
    }
  }

  /** What took the approval back in between is what counts; whoever has left by then does not use it. */
  async #goOn(id: string, question: DeviationQuestion, signal: AbortSignal): Promise<Reviewed> {
    if (signal.aborted) return this.#left(id, question, signal);
    try {
      await this.#ports.desk.change(id, (request, now) => use(request, question.session, now));
      return { approved: true, request: id };
    } catch (error) {
      const { code, message } = asCustodyError(error);
      if (code !== 'conflict') throw error;
      return { approved: false, why: message, request: id };
    }
  }

  /** Nobody is to decide about what waits no more; what was approved in the meantime is given back. */
  async #left(id: string, { permission }: DeviationQuestion, { reason }: AbortSignal): Promise<Reviewed> {
    const { desk, policy } = this.#ports;
    const { principal } = permission;
    await desk
      .change(id, (request, now) => giveBack(request, principal, now, policy.config))
      .catch((error: unknown) => {
        // It was denied, or its time is over.
        if (asCustodyError(error).code !== 'conflict') throw error;
      });
    return { approved: false, why: `it waits no more: ${asCustodyError(reason).message}`, request: id };
  }

  #announce(
    id: string,
    { deviation, isAnswer }: DeviationQuestion,
    waitMs: number,
    announce: Waiting['announce'],
  ): void {
    const url = this.#ports.requestUrl?.(id);
    const link = url === undefined ? '' : `; see ${url}`;
    const what = isAnswer ? 'the session' : 'the command';
    announce(
      `${deviation.seen}; the contract has ${deviation.expected}: request ${id} waits for reviewers`,
      `${what} waits up to ${durationText(waitMs)}; reviewers see it with: custody requests ${id}, and decide with: custody approve ${id}, or custody deny ${id}${link}`,
    );
  }

  async #pause(signal: AbortSignal): Promise<void> {
    // It may have been while the request was looked at.
    if (signal.aborted) return;
    let wake = (): void => {};
    const aborted = new Promise<void>((resolve) => (wake = resolve));
    signal.addEventListener('abort', wake, { once: true });
    try {
      await Promise.race([this.#ports.pause(POLL_MS), aborted]);
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}

function taskOf({ run, workflow, task }: ComingTask) {
  return { run, workflow, task };
}

function askedOf({
  permission,
  session,
  workflowDigest,
  deviation,
  command,
  isAnswer,
}: DeviationQuestion): AskedDeviation {
  const { kind, command: of, expected, seen } = deviation;
  return {
    ...taskOf(permission.context.task!),
    workflowDigest,
    session,
    command: { sha256: createHash('sha256').update(command).digest('hex'), text: command },
    kind,
    ...(of === undefined ? {} : { of }),
    expected,
    seen,
    isAnswer,
  };
}

/** What reviewers cannot be shown as it is, nobody can approve. */
function unfitFor(command: string): string | undefined {
  if (Buffer.byteLength(command) > COMMAND_MAX_BYTES)
    return `it is longer than the ${COMMAND_MAX_BYTES} bytes that reviewers can be asked about`;
  return command.includes('\0') || !command.isWellFormed()
    ? 'it is not text that reviewers can be shown'
    : undefined;
}

function wordsFor(state: RequestState, request: AccessRequest): string {
  if (state === 'denied') {
    const comment = stepOf(request, 'denied')?.comment;
    return comment === undefined ? 'reviewers denied it' : `reviewers denied it: ${comment}`;
  }
  return STATE_WORDS[state] ?? `the request is ${state}`;
}

const STATE_WORDS: Readonly<Partial<Record<RequestState, string>>> = {
  expired: 'nobody decided in time',
  withdrawn: 'it was withdrawn',
  returned: 'it was given back',
  revoked: 'the approval was revoked',
};
