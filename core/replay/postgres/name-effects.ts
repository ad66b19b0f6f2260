import type { ServerContent } from './contents.ts';
import { portalOf, preparedOf } from './entries.ts';
import { Intended } from './intended.ts';
import { type Described, keep, type Portal, type Prepared } from './memory.ts';
import type { OfKind } from './of-kind.ts';
import type { Operation } from './operations.ts';
import type { ReplayLimits, ShownReport } from './step.ts';
import type { Knowledge } from './step-writer.ts';

const NO_SUCH_STATEMENT = '26000';

/** What the server's answers do to the names: a message of the client has its effect when the server says that it is done. */
export class NameEffects {
  readonly #knowledge: Knowledge;
  readonly #limits: ReplayLimits;

  constructor(knowledge: Knowledge, limits: ReplayLimits) {
    this.#knowledge = knowledge;
    this.#limits = limits;
  }

  /** What a name on the wire is known by. */
  readonly key = (name: string): string => this.#knowledge.settings.protocolKey(name);

  portal(name: string): Portal | undefined {
    return this.#knowledge.names.portal(this.key(name));
  }

  /** What the names would stand for if the server did what it will not do now. */
  intended(): Intended {
    return new Intended(this.#knowledge.names, this.key);
  }

  parsed(operation: Operation): Prepared {
    const { texts, sql, names } = this.#knowledge;
    texts.stamp([operation.load?.text]);
    const prepared = preparedOf(operation, sql.read(operation.load?.text)?.[0]);
    names.prepare(this.key(operation.statement), prepared);
    return prepared;
  }

  bound(operation: Operation): void {
    const { texts, names } = this.#knowledge;
    texts.stamp(operation.load?.values ?? []);
    const statement = this.key(operation.statement);
    const doubt = names.statementDoubt(statement);
    const portal = portalOf(operation, names.statement(statement), doubt);
    names.bind(this.key(operation.portal), portal);
  }

  closed({ what, statement, portal }: Operation): void {
    const { names } = this.#knowledge;
    if (what === 'statement') names.dropStatement(this.key(statement));
    else names.dropPortal(this.key(portal));
  }

  describedParameters({ what, statement }: Operation, types: readonly number[]): void {
    if (what === 'statement') this.#knowledge.names.describeParameters(this.key(statement), types);
  }

  /** The columns that were just told, as far as they are kept. */
  columns({ columns }: OfKind<ServerContent, 'row-description'>): readonly Described[] {
    const described = columns.map((column) => ({ ...column, name: keep(column.name, this.#limits.value) }));
    this.#knowledge.texts.stamp(described.map(({ name }) => name));
    return described;
  }

  described({ what, statement, portal }: Operation, columns: readonly Described[]): void {
    this.#knowledge.names.describe(what!, this.key(what === 'statement' ? statement : portal), columns);
  }

  /** What fails may have taken something away before it did. */
  undone({ kind, statement, portal }: Operation, { sqlstate }: ShownReport): void {
    const { names } = this.#knowledge;
    if (kind === 'parse' && statement === '') names.dropStatement('');
    if (kind !== 'bind') return;
    if (portal === '') names.dropPortal('');
    if (sqlstate === NO_SUCH_STATEMENT) names.dropStatement(this.key(statement));
  }
}
