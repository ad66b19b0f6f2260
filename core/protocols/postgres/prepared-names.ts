import { notApproved } from './not-approved.ts';

const NAMES_MAX = 1_000;
/** The server cuts names at 63 bytes, so that two longer ones may be one to it (NAMEDATALEN). */
const NAME = /^[\x20-\x7e]{0,62}$/;
/** A COPY that reads from the client swallows messages, Sync too; STDOUT means STDIN there. Rather too many than too few. */
const COPY = /copy/i;
const FROM_CLIENT = /stdin|stdout/i;
/** SQL's own names for prepared statements are those of the protocol. */
const NAMES_STATEMENTS = /prepare|execute/i;
const SEVERAL = Symbol('several');

/**
 * What a client's names for prepared statements stand for in the server, which is told nothing else: it skips messages
 * after an error, until a Sync, and refuses a name that is taken. So a name is believed in two cases only: it was given
 * since the last Sync (then whatever skips the giving skips the use), or it never stood for anything else.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
export class PreparedNames {
  #ever = new Map<string, string | typeof SEVERAL>();
  #sinceSync = new Map<string, string>();
  /** The maps are another's as well. */
  #shared = false;
  #swallows = false;
  #named = false;
  #namedInSql = false;

  /** The same names, to be tried. Costs nothing as long as none is given. */
  copy(): PreparedNames {
    const copy = new PreparedNames();
    this.#shared = copy.#shared = true;
    copy.#ever = this.#ever;
    copy.#sinceSync = this.#sinceSync;
    copy.#swallows = this.#swallows;
    copy.#named = this.#named;
    copy.#namedInSql = this.#namedInSql;
    return copy;
  }

  /** A text that the server may run from now on. */
  heed(text: string): void {
    this.#swallows ||= COPY.test(text) && FROM_CLIENT.test(text);
    this.#namedInSql ||= NAMES_STATEMENTS.test(text);
    this.#requireOneWayOfNaming();
  }

  set(name: string, hash: string): void {
    if (!NAME.test(name)) throw notApproved('a prepared statement', 'its name is too long or no plain text');
    this.#named ||= name !== '';
    this.#requireOneWayOfNaming();
    this.#own();
    const before = this.#ever.get(name);
    if (before === undefined && this.#ever.size >= NAMES_MAX)
      throw notApproved('a prepared statement', 'there are too many');
    this.#ever.set(name, before === undefined || before === hash ? hash : SEVERAL);
    this.#sinceSync.set(name, hash);
  }

  get(name: string): string {
    const hash = (this.#swallows ? undefined : this.#sinceSync.get(name)) ?? this.#ever.get(name);
    const what = 'a prepared statement';
    if (hash === undefined) throw notApproved(what, 'nobody saw its text');
    if (hash === SEVERAL)
      throw notApproved(what, 'its name has stood for several: give each a name of its own');
    return hash;
  }

  sync(): void {
    if (this.#sinceSync.size > 0) this.#sinceSync = new Map();
  }

  #own(): void {
    if (!this.#shared) return;
    this.#shared = false;
    this.#ever = new Map(this.#ever);
    this.#sinceSync = new Map(this.#sinceSync);
  }

  #requireOneWayOfNaming(): void {
    if (this.#named && this.#namedInSql)
      throw notApproved(
        'a prepared statement',
        'names are given in SQL (PREPARE, EXECUTE) or by the client, not both',
      );
  }
}
