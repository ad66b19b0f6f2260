import type { Authorization } from '../access/decide.ts';
import { madeSandboxOf } from '../access/made-sandboxes.ts';
import { personOf, sameAccount, sameActors } from '../access/person.ts';
import { asCustodyError, CustodyError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { SandboxStore } from './ports.ts';
import { isOpen, isOver, type Sandbox } from './sandbox.ts';

/** At once: each is a whole copy of a database. */
const PER_PERSON = 3;
const IN_ALL = 20;
/** Somebody who asks and a look of the keeper's meet now and then. */
const TRIES = 5;

export interface SandboxDeskPorts {
  readonly sandboxes: SandboxStore;
  readonly now: () => Date;
  readonly newId: (at: Date) => string;
}

export interface SandboxWish {
  /** The data is to be as it was then. */
  readonly at: Date;
  /** Milliseconds. */
  readonly for: number;
  readonly session?: string;
  /** The same key of the same person makes one sandbox. */
  readonly key?: string;
}

/** Where people ask for sandboxes. It makes none: `keepSandboxes` does, from what is stored here. */
export class SandboxDesk {
  readonly #ports: SandboxDeskPorts;

  constructor(ports: SandboxDeskPorts) {
    this.#ports = ports;
  }

  /**
   * `connect`: to the target that is made; `rerun`: of what it is for. Rejects with `unsupported` for a target that is not made, and
   * with `precondition-failed` where there are too many already.
   */
  async make(
    connect: Authorization<'connect'>,
    _rerun: Authorization<'rerun'>,
    wish: SandboxWish,
  ): Promise<Sandbox> {
    const { sandboxes, newId } = this.#ports;
    const now = this.#ports.now();
    const made = madeSandboxOf(connect.target);
    if (made === undefined) throw notMade(connect.target.name);
    const earlier = wish.key === undefined ? undefined : await this.#of(connect.principal, wish.key);
    if (earlier !== undefined) return earlier;
    const sandbox: Sandbox = {
      id: newId(now),
      version: 0,
      target: connect.target.name,
      from: made.from,
      at: wish.at.toISOString(),
      ...(wish.session === undefined ? {} : { session: wish.session }),
      ...(wish.key === undefined ? {} : { key: wish.key }),
      by: personOf(connect.principal),
      state: 'making',
      createdAt: now.toISOString(),
      until: new Date(now.getTime() + Math.min(wish.for, made.for)).toISOString(),
      gone: false,
    };
    refuseTooMany(sandbox, [...(await sandboxes.present()), sandbox]);
    await sandboxes.create(sandbox);
    // Again, as somebody may have asked at the same moment: of those that are too many, the last ones go.
    try {
      refuseTooMany(sandbox, await sandboxes.present());
    } catch (refusal) {
      await this.remove(sandbox);
      throw refusal;
    }
    return sandbox;
  }

  /** Nobody gets there from now on; what is left of it goes with the next looks. */
  async remove({ id }: Pick<Sandbox, 'id'>): Promise<Sandbox> {
    for (let tries = 1; ; tries += 1) {
      const sandbox = await this.#ports.sandboxes.get(id);
      if (!isOpen(sandbox)) return sandbox;
      const removed: Sandbox = { ...sandbox, state: 'removed', version: sandbox.version + 1 };
      try {
        await this.#ports.sandboxes.change(removed);
        return removed;
      } catch (error) {
        if (asCustodyError(error).code !== 'conflict' || tries === TRIES) throw error;
      }
    }
  }

  async #of(principal: Principal, key: string): Promise<Sandbox | undefined> {
    const present = await this.#ports.sandboxes.present();
    return present.find((one) => one.key === key && isMadeBy(one, principal));
  }
}

/** Whoever acted for somebody then, and nobody else (security case 14). */
export function isMadeBy({ by }: Sandbox, principal: Principal): boolean {
  return sameAccount(by, principal) && sameActors(by, principal);
}

/** As the API and the gateway show it: one whose time is over is removed, even where nobody has looked since. */
export function asOf(sandbox: Sandbox, now: Date): Sandbox {
  return isOpen(sandbox) && isOver(sandbox, now) ? { ...sandbox, state: 'removed' } : sandbox;
}

/** By the order of their ids, which is that of time, so that of several at once all see the same ones as too many. */
function refuseTooMany(sandbox: Sandbox, present: readonly Sandbox[]): void {
  const before = present.filter((one) => isOpen(one) && one.id < sandbox.id);
  const own = before.filter(({ by }) => sameAccount(by, sandbox.by));
  const hint = 'see those there are, and remove one: custody sandbox list; custody sandbox remove ID';
  if (own.length >= PER_PERSON)
    throw new CustodyError('precondition-failed', `you have ${own.length} sandboxes already`, { hint });
  // What is being removed takes its place still.
  if (present.filter(({ id }) => id < sandbox.id).length >= IN_ALL)
    throw new CustodyError('precondition-failed', `there are ${IN_ALL} sandboxes already`, {
      hint: `${hint}; or try again later`,
    });
}

function notMade(name: string): CustodyError {
  return new CustodyError('unsupported', `the target "${name}" is not made: it is there by itself`, {
    hint: 'sandboxes are made for targets with sandbox: { from: … }',
  });
}
