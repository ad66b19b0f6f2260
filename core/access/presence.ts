import type { Principal } from '../identity/principal.ts';
import type { Config, Rule } from './config.ts';
import { isActedFor, mayHaveAsked, type Person } from './person.ts';
import { isReviewer } from './whose.ts';

/** Somebody who watches a session by the API, and may at this moment. */
export interface Watcher {
  readonly session: string;
  readonly by: Pick<
    Principal,
    'issuer' | 'subject' | 'email' | 'unverifiedEmail' | 'issuerName' | 'workload' | 'actors'
  >;
  /** Of their groups, those whose watching some rule asks for. */
  readonly groups: readonly string[];
  /** Counts no longer then, unless it is renewed: RFC 3339, UTC. */
  readonly until: string;
}

/** Who watches sessions that run only while somebody does. What a call has done is seen by every read after it. */
export interface Presence {
  /** In place of what was known of the same account at the same session. */
  renew(watcher: Watcher): Promise<void>;
  /** Who watches these sessions; those whose time is over may still be among them. Rejects when it cannot know. */
  watching(sessions: readonly string[]): Promise<readonly Watcher[]>;
  /** The session waits for somebody to watch it, until then at the longest: RFC 3339, UTC. */
  awaits(session: string, until: string): Promise<void>;
  /** It waits no longer. */
  begins(session: string): Promise<void>;
  /** Sessions that wait then. A list may lag behind by moments. */
  waiting(now: Date): Promise<readonly string[]>;
}

/** How long a watch counts after it was last seen. */
export const PRESENCE_MS = 10_000;

export type Moderated = NonNullable<Rule['moderated']>;

/** What is to be renewed for who watches. Whether it counts is looked at where it has to. */
export function watcherOf(
  { issuer, subject, email, unverifiedEmail, issuerName, workload, actors, groups }: Principal,
  session: string,
  { rules }: Pick<Config, 'rules'>,
  now: Date,
): Watcher {
  const asked = new Set(rules.flatMap(({ moderated }) => moderated?.by.any ?? []));
  return {
    session,
    by: {
      ...{ issuer, subject },
      ...(email === undefined ? {} : { email }),
      ...(unverifiedEmail === undefined ? {} : { unverifiedEmail }),
      ...(issuerName === undefined ? {} : { issuerName }),
      ...(workload === undefined ? {} : { workload }),
      ...(actors === undefined ? {} : { actors }),
    },
    groups: groups.filter((group) => asked.has(group)),
    until: new Date(now.getTime() + PRESENCE_MS).toISOString(),
  };
}

/**
 * Those who make that a session may run: of the rule's groups, present now, and neither the session's own person nor one who acts in it
 * for them (security case 11). Who acts for somebody else watches for nobody.
 */
export function moderatorsOf(
  { by: { any } }: Moderated,
  { principal, now }: { readonly principal: Person; readonly now: Date },
  watchers: readonly Watcher[],
): readonly Watcher[] {
  return watchers.filter(
    ({ by, groups, until }) =>
      Date.parse(until) > now.getTime() &&
      isReviewer({ any }, { ...by, groups, expiresAt: now }) &&
      !isActedFor(by) &&
      !mayHaveAsked(by, principal),
  );
}
