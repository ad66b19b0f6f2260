/** What the gateway asks a target in its own name, in a session for exact commands. */
import { CustodyError } from '#core/errors.ts';
import type { BackendMessage } from './backend.ts';
import { ACTS_AS, LEAVES_MEANING } from './meaning.ts';
import { Frontend } from './messages.ts';
import { notApproved } from './not-approved.ts';
import type { OwnQuestion } from './target-side.ts';
import { concat, cstring, decodeText, int32, message } from './wire.ts';

/**
 * What is in force and not the server's; and what the login and its database have for settings of their own, since a setting that
 * an extension or an application has made up is in no list of those in force.
 */
const OF_LOGIN = `
  select name from pg_catalog.pg_settings where source in ('database', 'user', 'database user', 'session')
  union select pg_catalog.split_part(own, '=', 1)
  from pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) own
  where setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
  and setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))`;
/** Statements and portals of the gateway have names that begin so, and none of a client's does. */
export const OWN_NAMES = 'custody: ';
/** Named, so that what the client left under the empty name stays. */
const NAME = `${OWN_NAMES}settings`;
const PORTAL = `${OWN_NAMES}not approved`;
const NONE = Uint8Array.of(0, 0);
/** SQLSTATE query_canceled. */
const CANCELED = '57014';

/** Asks what is in force of the settings that say what a text means. */
export class SettingsQuestion {
  readonly #wanted: ReadonlyMap<string, string>;

  constructor(wanted: ReadonlyMap<string, string>) {
    this.#wanted = new Map([...wanted, ...ACTS_AS]);
  }

  /** What the login, or its database, has for settings of its own. */
  ofLogin(): OwnQuestion {
    return upToReady(ask(OF_LOGIN));
  }

  /** Throws `target-refused`, or as `check`, where one of them could change what a text means. */
  checkLogin(answers: readonly BackendMessage[]): void {
    const held = new Set([...this.#wanted.keys()].filter((name) => !ACTS_AS.has(name)).map(lower));
    const own = rows(answers).filter((name) => !LEAVES_MEANING.has(lower(name)) && !held.has(lower(name)));
    if (own.length === 0) return;
    throw new CustodyError(
      'target-refused',
      `the gateway's login has settings of its own that change what a command means: ${own.slice(0, 5).join(', ')}`,
      {
        hint: 'tell whoever runs the gateway: ALTER ROLE … RESET …, or name them among the `settings` of the `exact` of this target',
      },
    );
  }

  /** `inPipeline`: without ending what the client has begun. SHOW takes no snapshot, so that it changes nothing in a transaction. */
  inForce(inPipeline: boolean): OwnQuestion {
    const asked = [...this.#wanted.keys()].flatMap((name) => ask(`show ${name}`));
    if (!inPipeline) return upToReady(asked);
    // Three times each something is closed.
    let left = 3 * this.#wanted.size;
    const until = ({ kind }: BackendMessage): boolean =>
      kind === 'error' || (kind === 'close-complete' && --left === 0);
    return { bytes: concat([...asked, message(Frontend.flush)]), until };
  }

  /** Throws `not-approved` for a setting that is not as it has to be; `too-slow` where the question was cancelled. */
  check(answers: readonly BackendMessage[]): void {
    const found = rows(answers);
    for (const [at, [name, value]] of [...this.#wanted].entries()) {
      if (!isSame(name, found[at], value)) throw changed(name);
    }
  }

  /** Whether a setting may have this value, as the target tells it of its own. */
  allows(name: string, value: string): boolean {
    if (name === 'session_authorization') return false;
    const wanted = [...this.#wanted].find(([known]) => known.toLowerCase() === name.toLowerCase());
    return wanted === undefined || isSame(name, value, wanted[1]);
  }
}

/** Makes the transaction fail that is open, as a command does that fails. `inPipeline`: up to the Sync that is to come. */
export function failure(inPipeline: boolean): OwnQuestion {
  const fails = message(Frontend.describe, Buffer.from('P'), cstring(PORTAL));
  if (!inPipeline) return upToReady([fails]);
  return { bytes: concat([fails, message(Frontend.flush)]), until: ({ kind }) => kind === 'error' };
}

/** Changes nothing. */
export function stillThere(): OwnQuestion {
  return upToReady([]);
}

function upToReady(parts: readonly Uint8Array[]): OwnQuestion {
  return {
    bytes: concat([...parts, message(Frontend.sync)]),
    until: ({ kind }) => kind === 'ready-for-query',
  };
}

/** One row for `show`. What an earlier one left that was cancelled is closed first. */
function ask(text: string): Uint8Array[] {
  return [
    message(Frontend.close, Buffer.from('S'), cstring(NAME)),
    message(Frontend.parse, cstring(NAME), cstring(text), NONE),
    message(Frontend.bind, cstring(NAME), cstring(NAME), NONE, NONE, NONE),
    message(Frontend.execute, cstring(NAME), int32(0)),
    message(Frontend.close, Buffer.from('P'), cstring(NAME)),
    message(Frontend.close, Buffer.from('S'), cstring(NAME)),
  ];
}

/**
 * The first column of each row. Throws `not-approved` where the target has failed: what is not known does not hold; `too-slow` where
 * the client's own cancel, or its time limit, came to a question of the gateway's before it came to the command.
 */
function rows(answers: readonly BackendMessage[]): string[] {
  const error = answers.find(({ kind }) => kind === 'error');
  if (error?.kind === 'error' && error.fields.get('C') === CANCELED)
    throw new CustodyError('too-slow', error.fields.get('M') ?? 'canceling statement');
  if (error?.kind === 'error')
    throw new CustodyError(
      'not-approved',
      'the target does not say how it reads a command, so none can run',
      {
        hint: 'commands can be approved one by one for PostgreSQL 10 and newer',
        detail: error.fields.get('C') ?? '',
      },
    );
  return answers.flatMap((answer) =>
    answer.kind === 'data-row' ? [decodeText(answer.values[0] ?? new Uint8Array(0))] : [],
  );
}

function lower(text: string): string {
  return text.toLowerCase();
}

/** Names of zones and styles may be written in any case. */
function isSame(name: string, found: string | undefined, wanted: string): boolean {
  if (found === undefined) return false;
  return name === 'search_path' ? found === wanted : found.toLowerCase() === wanted.toLowerCase();
}

function changed(name: string): CustodyError {
  return notApproved(
    'this command',
    `the setting ${name} is not as it has to be, and the text could mean something else`,
  );
}
