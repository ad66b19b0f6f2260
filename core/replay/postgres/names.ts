import {
  Budget,
  type Described,
  Named,
  type Portal,
  type Prepared,
  weightOfColumns,
  weightOfPortal,
  weightOfPrepared,
} from './memory.ts';
import { Savepoints } from './savepoints.ts';
import { isForeign, isUnsure } from './settings.ts';
import type { ReplayLimits } from './step.ts';
import type { Tap } from './tap.ts';

/** Why a statement may not be what ran: nothing but code on the server could have made it another. */
export const RENAMED =
  'code that a recording does not show has run since the name was given: it may have come to stand for another text';

interface Given<Entry> {
  readonly entry: Entry;
  /** How often hidden code had run by then. */
  readonly after: number;
}

interface Lives extends Given<Portal> {
  /** Savepoints that it was made after. */
  depth: number;
  /** A cursor WITH HOLD, and one whose transaction was committed. */
  hold: 'no' | 'declared' | 'held';
}

/**
 * What prepared statements and portals there are in the server, by their names. Whoever calls it does so in the server's
 * order, when the server has done what it says. Names in SQL are the same names, cut at 63 bytes where a character ends;
 * those of the protocol are cut anywhere.
 *
 * Functions, DO blocks and procedures can give and take away names unseen. A name that was given before such code ran is
 * in doubt when it is used after it; the unnamed statement and the unnamed portal are not, as SQL cannot name them.
 */
export class Names {
  readonly #statements: Named<Given<Prepared>>;
  readonly #portals: Named<Lives>;
  readonly #savepoints = new Savepoints();
  readonly #tap: Tap | undefined;
  #hiddenRuns = 0;
  #hasUnsure = false;

  constructor(limits: ReplayLimits, tap?: Tap) {
    this.#tap = tap;
    const budget = new Budget(limits.memory / 2);
    this.#statements = new Named(budget, ({ entry }) => weightOfPrepared(entry));
    this.#portals = new Named(budget, ({ entry }) => weightOfPortal(entry));
  }

  statement(key: string): Prepared | undefined {
    return this.#statements.get(key)?.entry;
  }

  portal(key: string): Portal | undefined {
    return this.#portals.get(key)?.entry;
  }

  /** Why the statement of this name may not be what the server has under it. */
  statementDoubt(key: string): string | undefined {
    return this.#doubt(key, this.#statements.get(key));
  }

  portalDoubt(key: string): string | undefined {
    const given = this.#portals.get(key);
    return given?.entry.doubt ?? this.#doubt(key, given);
  }

  #doubt(key: string, given: Given<unknown> | undefined): string | undefined {
    const isOld = given !== undefined && given.after !== this.#hiddenRuns;
    return isUnsure(key) || (key !== '' && isOld) ? RENAMED : undefined;
  }

  prepare(key: string, entry: Prepared): void {
    this.#touch(key);
    this.#statements.set(key, { entry, after: this.#hiddenRuns });
  }

  bind(key: string, entry: Portal, hold: 'no' | 'declared' = 'no'): void {
    this.#touch(key);
    this.#portals.set(key, { entry, after: this.#hiddenRuns, depth: this.#savepoints.depth, hold });
  }

  describe(what: 'statement' | 'portal', key: string, columns: readonly Described[]): void {
    const weight = weightOfColumns(columns);
    const kept = what === 'statement' ? this.#statements : this.#portals;
    const entry = kept.get(key)?.entry;
    if (entry !== undefined && kept.grow(key, weight)) entry.columns = columns;
  }

  describeParameters(key: string, types: readonly number[]): void {
    const prepared = this.statement(key);
    if (prepared !== undefined && this.#statements.grow(key, types.length * 8)) prepared.types = types;
  }

  dropStatement(key: string): void {
    this.#touch(key);
    this.#statements.delete(key);
  }

  /** DEALLOCATE ALL leaves the unnamed one. */
  dropNamedStatements(): void {
    this.#statements.deleteWhere((_, key) => key !== '');
  }

  dropPortal(key: string): void {
    this.#touch(key);
    this.#portals.delete(key);
  }

  /** CLOSE ALL leaves the one that runs. */
  dropPortals(except: Portal | undefined): void {
    this.#portals.deleteWhere(({ entry }) => entry !== except);
  }

  /** Code ran of which nothing is known. */
  hiddenRan(): void {
    this.#hiddenRuns++;
  }

  /** One whose name is not certain may be any. */
  #touch(key: string): void {
    if (!isUnsure(key)) return;
    this.#hasUnsure = true;
    this.hiddenRan();
  }

  /** The server is ready: names are certain again, and those that were not cannot be found by them. */
  ready(): void {
    if (!this.#hasUnsure) return;
    this.#hasUnsure = false;
    this.#statements.deleteWhere((_, key) => isUnsure(key));
    this.#portals.deleteWhere((_, key) => isUnsure(key));
  }

  savepoint(name: string): void {
    this.#tap?.transaction({ kind: 'savepoint', name });
    this.#savepoints.set(name);
  }

  release(name: string): void {
    this.#tap?.transaction({ kind: 'release', name });
    const depth = this.#savepoints.release(name);
    for (const lives of this.#portals.values()) lives.depth = Math.min(lives.depth, depth);
  }

  /** Portals that were made after the savepoint are gone, and so are those that failed. */
  rollbackTo(name: string): void {
    this.#tap?.transaction({ kind: 'rollback-to', name });
    const depth = this.#savepoints.rollbackTo(name);
    this.#portals.deleteWhere(({ depth: own, hold }) => own >= depth && hold !== 'held');
  }

  /** The end of a transaction ends its portals; a commit leaves those WITH HOLD. */
  endTransaction(committed: boolean): void {
    this.#tap?.transaction({ kind: 'end', committed });
    this.#savepoints.clear();
    this.#portals.deleteWhere(({ hold }) => hold === 'no' || (hold === 'declared' && !committed));
    for (const lives of this.#portals.values()) {
      lives.hold = 'held';
      lives.depth = 0;
    }
  }

  /** Names of other encodings than the server's can no longer be told apart. */
  encodingChanged(): void {
    this.#statements.deleteWhere((_, key) => isForeign(key));
    this.#portals.deleteWhere((_, key) => isForeign(key));
  }

  /** Nothing is known any more: better no text than one that may be wrong. */
  forget(): void {
    this.#statements.deleteWhere(() => true);
    this.#portals.deleteWhere(() => true);
    this.#savepoints.clear();
  }
}
