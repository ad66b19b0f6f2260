import { createHash } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { Logout } from './logout-token.ts';
import type { Principal } from './principal.ts';
import type { Ending, Standing } from './standing.ts';

/** Where logouts are kept, for longer than any token lasts. */
export interface Logouts extends NewestLogouts {
  /**
   * Keeps a logout under its marks. Durable when it resolves true. False where one with this token was kept before: then nothing
   * has changed. On a rejection it may be kept or not, all of it.
   */
  take(logout: MarkedLogout): Promise<boolean>;
}

export interface NewestLogouts {
  /** When the newest logout under each of these marks was; those that have none are not in it. Sees every `take` before it. */
  newest(marks: readonly string[]): Promise<ReadonlyMap<string, Date>>;
}

/** A logout as stores keep it: what it is about is known by hashes alone. */
export interface MarkedLogout {
  /** Names the issuer's token. */
  readonly token: string;
  readonly at: Date;
  readonly marks: readonly string[];
}

/**
 * A session by its `sid`; everything that somebody has; and what of it says of no session that it belongs to it, which a
 * logout of any of their sessions may mean.
 */
type MarkKind = 'session' | 'person' | 'sessionless';

export function markedLogout({ issuer, subject, session, at, token }: Logout): MarkedLogout {
  const mark = (kind: MarkKind, name: string): string => markOf(kind, issuer, name);
  const marks =
    session === undefined
      ? [mark('person', subject!)]
      : [mark('session', session), ...(subject === undefined ? [] : [mark('sessionless', subject)])];
  return { token: hash(['token', issuer, token]), at, marks };
}

/** An issuer as custody.yaml has it. */
export interface ListenedIssuer {
  readonly issuer: string;
  readonly backchannelLogout: boolean;
}

/**
 * Who was logged out, by the issuers that are listened to. Section 2.7: with a session's id, that session is over; without one,
 * all that its subject had when the issuer said so. A token that names no session counts as of each, and one without a time
 * as of before. Who acts for somebody goes when they do, and when their own sessions are ended.
 */
export function logoutStanding(logouts: NewestLogouts, issuers: () => readonly ListenedIssuer[]): Standing {
  return {
    over: async (people) => {
      const isListenedTo = (issuer: string): boolean =>
        issuers().some((one) => one.issuer === issuer && one.backchannelLogout);
      const looks = people.map((person) => looksAt(person, isListenedTo));
      const marks = new Set(looks.flat().map(({ mark }) => mark));
      if (marks.size === 0) return people.map(() => undefined);
      const newest = await logouts.newest([...marks]);
      return looks.map((of) => (of.some((look) => isOver(look, newest)) ? LOGGED_OUT : undefined));
    },
  };
}

interface Look {
  readonly mark: string;
  /** A logout at this time or later ends it. */
  readonly from: number;
}

/** Under which marks a logout would end this. */
function looksAt(person: Principal, isListenedTo: (issuer: string) => boolean): Look[] {
  const { issuer, subject, issuerSession, issuedAt, actors = [] } = person;
  const own = isListenedTo(issuer) ? [{ issuer, subject }] : [];
  const acting = actors.filter((actor) => isListenedTo(actor.issuer));
  // Most issuers say whole seconds of logouts, and of tokens as well: which came first within one, nobody can tell.
  const from = issuedAt === undefined ? -Infinity : Math.floor(issuedAt.getTime() / 1000) * 1000;
  const look = (kind: MarkKind) => (one: { readonly issuer: string; readonly subject: string }) => ({
    mark: markOf(kind, one.issuer, one.subject),
    from,
  });
  // The session that a token names is its subject's; of an actor's it says nothing.
  const everything = [...own, ...acting].map(look('person'));
  if (issuerSession === undefined) return [...everything, ...[...own, ...acting].map(look('sessionless'))];
  const session = own.map(() => ({ mark: markOf('session', issuer, issuerSession), from: -Infinity }));
  return [...everything, ...acting.map(look('sessionless')), ...session];
}

function isOver({ mark, from }: Look, newest: ReadonlyMap<string, Date>): boolean {
  const at = newest.get(mark);
  return at !== undefined && at.getTime() >= from;
}

function markOf(kind: MarkKind, issuer: string, name: string): string {
  return hash([kind, issuer, name]);
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const LOGGED_OUT: Ending = {
  reason: 'revoked',
  error: new CustodyError('access-revoked', 'you were logged out at the identity provider', {
    hint: 'log in again: custody login',
  }),
};
