import { Authorization, decide } from '#core/access/decide.ts';
import { sharesPeople } from '#core/access/own.ts';
import { isActedFor } from '#core/access/person.ts';
import { asCustodyError } from '#core/errors.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import type { Scope } from '#core/search/port.ts';
import type { Asking } from '../asking.ts';
import { mayRead } from '../sessions/visible.ts';

/** No target can have this name: for it, `decide` allows only by a rule that reaches every target. */
const EVERY_TARGET = '*';

/**
 * Sessions among which those are that the caller may replay, and little else: whether they may each one, `ReadableSessions` says. A search
 * looks at no others, so that neither its pages nor its time tell of them.
 */
export function readableScopes(asking: Asking, target: string | undefined): readonly Scope[] {
  const few = [...ownScopes(asking), ...approvedScopes(asking)];
  if (target !== undefined)
    return readsAll(asking, target) ? [{ target }] : few.map((scope) => ({ ...scope, target }));
  if (readsAll(asking, EVERY_TARGET)) return [{}];
  const names = [...asking.policy.targets.keys()].filter((name) => readsAll(asking, name));
  return [...few, ...names.map((name) => ({ target: name }))];
}

function ownScopes({ caller, policy }: Asking): readonly Scope[] {
  const { issuer, subject, email } = caller;
  const own = { subject: { issuer, subject } };
  return sharesPeople(caller, policy) ? [own, { person: email! }] : [own];
}

function approvedScopes({ caller, policy }: Asking): readonly Scope[] {
  const { issuer, subject } = caller;
  const may = policy.rules.some(({ sessions, allow }) => allow !== undefined && sessions === 'approved');
  return may && !isActedFor(caller) ? [{ approver: { issuer, subject } }] : [];
}

function readsAll({ policy, caller: principal, context, now }: Asking, target: string): boolean {
  return (['replay', 'export'] as const).some((action) =>
    Authorization.isOne(decide({ policy, principal, action, target, context, now })),
  );
}

/** What the caller may replay, each session asked about once. */
export class ReadableSessions {
  readonly #asking: Asking;
  readonly #catalog: Pick<SessionCatalog, 'get'>;
  readonly #known = new Map<string, Promise<SessionRecord | undefined>>();

  constructor(asking: Asking, catalog: Pick<SessionCatalog, 'get'>) {
    this.#asking = asking;
    this.#catalog = catalog;
  }

  /** Undefined for what the caller may not replay, and for what there is not. */
  get(id: string): Promise<SessionRecord | undefined> {
    const known = this.#known.get(id) ?? this.#look(id);
    this.#known.set(id, known);
    return known;
  }

  async #look(id: string): Promise<SessionRecord | undefined> {
    try {
      const record = await this.#catalog.get(id);
      return Authorization.isOne(mayRead(record, this.#asking)) ? record : undefined;
    } catch (error) {
      if (asCustodyError(error).code === 'not-found') return undefined;
      throw error;
    }
  }
}
