import type { Rule } from '#core/access/config.ts';
import { type NewsStream, type WaitNews, waitNews } from '#core/access/news.ts';
import { type Moderated, moderatorsOf, type Presence, type Watcher } from '#core/access/presence.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { Greeting } from './protocol.ts';

type Note = (fact: { readonly note: string } & Readonly<Record<string, unknown>>) => void;

/** Who watches one session that runs only while somebody does. The session's watch tells it what it sees. */
export class Moderation {
  readonly #principal: Principal;
  readonly #note: Note;
  readonly #present = new Map<string, Watcher>();
  /** It was opened, and its target is not dialled before somebody comes. */
  isWaiting: boolean;

  constructor(principal: Principal, isWaiting: boolean, note: Note) {
    this.#principal = principal;
    this.isWaiting = isWaiting;
    this.#note = note;
  }

  get isWatched(): boolean {
    return this.#present.size > 0;
  }

  /** Why the session has to end: nobody is there who would make that it may run. */
  look(moderated: Moderated, watchers: readonly Watcher[], now: Date): CustodyError | undefined {
    const present = moderatorsOf(moderated, { principal: this.#principal, now }, watchers);
    const accounts = new Map(present.map((watcher) => [accountOf(watcher), watcher]));
    for (const [account, watcher] of accounts)
      if (!this.#present.has(account)) this.#say('moderator-came', watcher);
    for (const [account, watcher] of this.#present)
      if (!accounts.has(account)) this.#say('moderator-left', watcher);
    this.#present.clear();
    for (const [account, watcher] of accounts) this.#present.set(account, watcher);
    return this.isWatched || this.isWaiting ? undefined : unwatched(moderated);
  }

  #say(note: 'moderator-came' | 'moderator-left', { by }: Watcher): void {
    const { issuer, subject, email } = by;
    this.#note({ note, by: { issuer, subject, ...(email === undefined ? {} : { email }) } });
  }
}

function accountOf({ by: { issuer, subject } }: Watcher): string {
  return JSON.stringify([issuer, subject]);
}

/** A client that waits. */
interface Waiting {
  readonly session: string;
  readonly target: string;
  readonly principal: Principal;
  readonly rule: Rule;
  readonly moderation: Moderation;
  readonly gone: () => boolean;
  readonly notify: Greeting['notify'];
  readonly note: Note;
  /** Aborted, with an error, where the session has to end meanwhile. */
  readonly ended: AbortSignal;
}

export interface ModerationPorts {
  readonly presence: Pick<Presence, 'awaits' | 'begins'>;
  readonly stream: NewsStream;
  readonly wallClock: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

const POLL_MS = 250;

/** Resolves when somebody watches whose watching counts. Rejects with the words for the client where nobody comes in time. */
export async function untilWatched(
  { session, target, principal, rule, moderation, gone, notify, note, ended }: Waiting,
  { presence, stream, wallClock, pause }: ModerationPorts,
): Promise<void> {
  const { wait, by } = rule.moderated!;
  const since = wallClock();
  const until = new Date(since.getTime() + wait);
  await presence.awaits(session, until.toISOString());
  note({ note: 'moderator-awaited', groups: by.any, until: until.toISOString() });
  const next = `they watch it with: custody watch ${session}`;
  notify(
    `this session starts when somebody of ${groupsOf(by.any)} watches it`,
    `this connection waits up to ${Math.round(wait / 1000)} s; ${next}`,
    next,
  );
  const waiting = { session, target, requester: principal, rule: rule.name, groups: by.any };
  const told = { news: waitNews(waiting, since, until), isTold: false };
  try {
    while (!moderation.isWatched) {
      await tellOnce(told, stream);
      if (ended.aborted) throw ended.reason;
      if (gone()) throw new CustodyError('peer-left', 'the client went away while it waited');
      if (wallClock() >= until) throw nobodyCame(by.any);
      await pause(POLL_MS);
    }
    moderation.isWaiting = false;
  } finally {
    await presence.begins(session);
  }
}

/** Nobody waits for webhooks: where they cannot be told now, they are at the next look, while anybody waits. */
async function tellOnce(
  told: { readonly news: WaitNews; isTold: boolean },
  stream: NewsStream,
): Promise<void> {
  if (told.isTold) return;
  told.isTold = await stream.tell(told.news).then(
    () => true,
    () => false,
  );
}

function groupsOf(groups: readonly string[]): string {
  return groups.join(' or ');
}

function nobodyCame(groups: readonly string[]): CustodyError {
  return new CustodyError('approval-required', `nobody of ${groupsOf(groups)} came to watch this session`, {
    hint: 'connect again when somebody has time to watch',
  });
}

function unwatched({ by }: Moderated): CustodyError {
  return new CustodyError('access-revoked', `nobody of ${groupsOf(by.any)} watches this session any more`, {
    hint: 'connect again when somebody has time to watch',
  });
}
