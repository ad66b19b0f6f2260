/**
 * Who may go on. A task holds a lease for as long as it renews it; the sealer takes over the sessions of a task whose lease
 * ran out, after fencing it for ever. Between machines the clocks are those of the wall; within a task the lease is watched
 * on its monotonic clock, from before the renewal was asked for: so a task always gives up before anybody may take over.
 */
import { CustodyError } from '../errors.ts';

/** Added to a lease before the sealer believes that it ran out: how far two machines' clocks may be apart. */
export const CLOCK_SKEW_MS = 5_000;

/** The task's side. */
export interface TaskLeases {
  /**
   * Extends the task's lease. When it returns, that is durable and every sealer sees it. Rejects with `task-fenced` once the
   * task is fenced; on any other rejection the lease may or may not be extended.
   */
  renew(task: string, until: Date): Promise<void>;
}

/** The sealer's side. */
export interface LeaseBook {
  /** Tasks whose lease ended before `time`, or that are fenced and not forgotten. */
  endedBefore(time: Date): Promise<readonly TaskLease[]>;
  /**
   * Fences a task unless it has renewed its lease since it was seen. True when it is fenced, durably and for ever: the
   * task can never renew again.
   */
  fence(seen: TaskLease): Promise<boolean>;
  /** Everything of a fenced task is sealed. It stays fenced. */
  forget(task: string): Promise<void>;
}

export interface TaskLease {
  readonly task: string;
  readonly until: Date;
}

/** A task's own view of its lease. */
export class HeldLease {
  readonly #leases: TaskLeases;
  readonly #task: string;
  readonly #lengthMs: number;
  readonly #monotonic: () => number;
  readonly #wall: () => Date;
  #untilMs = 0;

  constructor(
    leases: TaskLeases,
    task: string,
    lengthMs: number,
    clocks: { readonly monotonic: () => number; readonly wall: () => Date },
  ) {
    this.#leases = leases;
    this.#task = task;
    this.#lengthMs = lengthMs;
    this.#monotonic = clocks.monotonic;
    this.#wall = clocks.wall;
  }

  /** On the monotonic clock, milliseconds: from then on the task may not continue. */
  get untilMs(): number {
    return this.#untilMs;
  }

  get task(): string {
    return this.#task;
  }

  get isHeld(): boolean {
    return this.#monotonic() < this.#untilMs;
  }

  /** Rejects with `task-fenced` when the lease was lost, also when it ran out before anybody noticed. */
  async renew(): Promise<void> {
    const asked = this.#monotonic();
    // A task that was asleep for longer than its lease may be sealed already: it never comes back.
    if (this.#untilMs > 0 && asked >= this.#untilMs) throw leaseLost(this.#task);
    await this.#leases.renew(this.#task, new Date(this.#wall().getTime() + this.#lengthMs));
    this.#untilMs = asked + this.#lengthMs;
  }
}

/** What a task says that may not continue. */
export function leaseLost(task?: string): CustodyError {
  return new CustodyError(
    'task-fenced',
    'this gateway was away for too long, and its sessions were taken over',
    {
      hint: 'connect again',
      detail: `the lease of ${task === undefined ? 'this task' : `task ${task}`} ran out; its sessions are sealed by another`,
    },
  );
}
