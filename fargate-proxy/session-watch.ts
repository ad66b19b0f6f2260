import { setImmediate as turn } from 'node:timers/promises';
import { BLIND_MS } from '#core/access/blind.ts';
import type { Rule } from '#core/access/config.ts';
import { endingOf, type LiveQuestion } from '#core/access/live.ts';
import { nameOf } from '#core/access/person.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import type { Presence, Watcher } from '#core/access/presence.ts';
import type { AccessRequest } from '#core/access/request.ts';
import type { AccessRequests, Termination, Terminations } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Ending, Standing, StandingQuestion } from '#core/identity/standing.ts';
import type { CloseReason } from '#core/recording/format.ts';
import { type LiveTask, taskEnding } from '#core/tasks/live-task.ts';
import type { Runs } from '#core/tasks/store.ts';
import type { Moderation } from './moderation.ts';
import { SeenRuns } from './seen-runs.ts';

/** A session that is looked after. */
export interface Watched {
  /** What it was opened under. */
  readonly question: Omit<LiveQuestion, 'policy' | 'now' | 'grants'>;
  /** Where it is a task of a run: what it is held to. */
  readonly task?: LiveTask['held'];
  /** Who watches it, where its rule asks for somebody. */
  readonly moderation: Pick<Moderation, 'look'>;
  /** How long it may go on unseen, milliseconds. */
  readonly blindMs: number;
  /** Puts a side fact into its recording. */
  note(fact: { readonly note: string; readonly ms: number }): void;
  end(reason: CloseReason, error: CustodyError): void;
}

export interface WatchPorts {
  readonly policy: PolicyInForce;
  readonly requests: Pick<AccessRequests, 'get'>;
  readonly terminations: Pick<Terminations, 'asked'>;
  readonly runs: Pick<Runs, 'get'>;
  readonly presence: Pick<Presence, 'watching'>;
  /** What became known of the people, and of whoever acts for them. */
  readonly standing: Standing;
  readonly sessions: () => Iterable<Watched>;
  readonly wallClock: () => Date;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  /** Told once when grants cannot be seen, and once more when that ends sessions. */
  readonly onTrouble: (error: CustodyError) => void;
}

export const LOOK_EVERY_MS = 500;
/** Sessions that are judged in one turn of the event loop, 0.03 to 0.3 ms: bytes of everybody wait for that. */
const AT_ONCE = 32;

/** Looks again, for as long as sessions live, whether they may: grants, rules, people, logouts, time, and who wants them ended. */
export class SessionWatch {
  readonly #ports: WatchPorts;
  readonly #runs: SeenRuns;
  #seenAt: number;
  /** Sessions that go on unseen. */
  readonly #unseen = new Set<Watched>();
  #looking = false;
  #troubled = false;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
    this.#runs = new SeenRuns(ports.runs, ports.monotonic);
    this.#seenAt = ports.monotonic();
  }

  /** To be called every LOOK_EVERY_MS. A look that hangs does not keep the next call from noticing that. */
  tick(): void {
    const { monotonic, onTrouble } = this.#ports;
    const blindMs = monotonic() - this.#seenAt;
    if (blindMs > BLIND_MS) this.#goOnBlindly(blindMs);
    if (this.#looking) return;
    this.#looking = true;
    this.#look()
      .then(() => (this.#troubled = false))
      .catch((error: unknown) => {
        if (!this.#troubled) onTrouble(asCustodyError(error));
        this.#troubled = true;
      })
      .finally(() => (this.#looking = false));
  }

  async #look(): Promise<void> {
    const { sessions, terminations, standing, monotonic } = this.#ports;
    const startedAt = monotonic();
    const watched = [...sessions()];
    this.#runs.look(new Set(watched.flatMap(({ question }) => question.context?.task?.run ?? [])));
    // Side by side: a look is over before what it looks at counts as unseen, however slow one of them is.
    const [grants, asked, endings, watchers] = await Promise.all([
      this.#grants(watched),
      terminations.asked(watched.map(({ question }) => question.live.session)),
      standing.over(watched.map(({ question }) => comingBack(question))),
      this.#watchers(watched),
    ]);
    this.#seen(startedAt);
    const wanted = new Map(asked.map((termination) => [termination.session, termination]));
    const left = watched.filter(
      (session, at) => !endAsked(session, wanted.get(session.question.live.session), endings[at]),
    );
    await inTurns(left, (session) => {
      if (!this.#check(session, grants)) this.#checkModerated(session, watchers);
    });
  }

  async #grants(watched: readonly Watched[]): Promise<ReadonlyMap<string, AccessRequest>> {
    const { requests } = this.#ports;
    const ids = [...new Set(watched.flatMap(({ question }) => question.live.grant ?? []))];
    return new Map(await Promise.all(ids.map(async (id) => [id, await requests.get(id)] as const)));
  }

  #seen(at: number): void {
    for (const session of this.#unseen) session.note({ note: 'access-seen', ms: at - this.#seenAt });
    this.#unseen.clear();
    this.#seenAt = at;
  }

  /** Of sessions whose rule, as it is now, asks for somebody who watches. */
  async #watchers(watched: readonly Watched[]): Promise<ReadonlyMap<string, readonly Watcher[]>> {
    const moderated = watched.filter((session) => this.#moderatedOf(session) !== undefined);
    if (moderated.length === 0) return new Map();
    const ids = moderated.map(({ question }) => question.live.session);
    return Map.groupBy(await this.#ports.presence.watching(ids), ({ session }) => session);
  }

  #moderatedOf({ question }: Watched): Rule['moderated'] {
    return this.#ports.policy.config.rules.find(({ name }) => name === question.live.rule)?.moderated;
  }

  #checkModerated(session: Watched, watchers: ReadonlyMap<string, readonly Watcher[]>): void {
    const moderated = this.#moderatedOf(session);
    if (moderated === undefined) return;
    const present = watchers.get(session.question.live.session) ?? [];
    const error = session.moderation.look(moderated, present, this.#ports.wallClock());
    if (error !== undefined) session.end('unwatched', error);
  }

  /** True for one that has to end. */
  #check(session: Watched, grants: ReadonlyMap<string, AccessRequest>): boolean {
    const grant = grants.get(session.question.live.grant ?? '');
    const ending = this.#endingOf(session, grant === undefined ? [] : [grant]);
    if (ending !== undefined) session.end(ending.reason, ending.error);
    else this.#checkTask(session);
    return ending !== undefined;
  }

  #endingOf({ question }: Watched, grants: readonly AccessRequest[]): ReturnType<typeof endingOf> {
    const { policy, wallClock } = this.#ports;
    return endingOf({ ...question, policy: policy.config, now: wallClock(), grants });
  }

  #checkTask(session: Watched): void {
    const is = session.question.context?.task;
    if (is === undefined) return;
    if (this.#runs.unseenMs(is.run) > BLIND_MS) return session.end('gateway-failed', unseenRun());
    const { policy } = this.#ports;
    const ending = taskEnding({ is, held: session.task }, this.#runs.of(is.run), policy.config);
    if (ending !== undefined) session.end(ending.reason, ending.error);
  }

  /** Those that may go on unseen do, as long as nothing that is known here ends them; the others end. */
  #goOnBlindly(blindMs: number): void {
    const live = [...this.#ports.sessions()];
    const goesOn = (session: Watched): boolean =>
      blindMs <= session.blindMs && this.#moderatedOf(session) === undefined;
    this.#endUnseen(live.filter((session) => !goesOn(session)));
    for (const session of live.filter(goesOn)) {
      if (!this.#unseen.has(session)) session.note({ note: 'access-unseen', ms: blindMs });
      this.#unseen.add(session);
      const ending = this.#endingOf(session, []);
      if (ending !== undefined) session.end(ending.reason, ending.error);
    }
  }

  #endUnseen(sessions: readonly Watched[]): void {
    const error = new CustodyError('internal', 'the gateway cannot see any more whether access is granted', {
      hint: 'nothing runs on access that may have been revoked; connect again',
    });
    if (sessions.length > 0) this.#ports.onTrouble(error);
    for (const session of sessions) session.end('gateway-failed', error);
  }
}

/** What somebody asked for needs no judging: it is done for all at once, whichever session it is. True for one that ends. */
function endAsked(session: Watched, termination: Termination | undefined, over: Ending | undefined): boolean {
  if (termination !== undefined) session.end('terminated', terminated(termination));
  else if (over !== undefined) session.end(over.reason, over.error);
  return termination !== undefined || over !== undefined;
}

/** Some after the others, so that no byte waits until all are through. */
async function inTurns(sessions: readonly Watched[], judge: (session: Watched) => void): Promise<void> {
  for (let from = 0; from < sessions.length; from += AT_ONCE) {
    if (from > 0) await turn();
    for (const session of sessions.slice(from, from + AT_ONCE)) judge(session);
  }
}

function unseenRun(): CustodyError {
  return new CustodyError('internal', 'the gateway cannot see any more whether the run goes on', {
    hint: 'nothing runs as a task of a run that may have been ended; connect again',
  });
}

/** The person, with the key that their connection proved. */
function comingBack({ principal, context }: Watched['question']): StandingQuestion {
  const proved = context?.device?.proved;
  return proved === undefined ? principal : { ...principal, proved };
}

function terminated({ by, reason }: Termination): CustodyError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new CustodyError('terminated', `an operator ended this session${why}`, {
    detail: `ended by ${nameOf(by)}${why}`,
  });
}
