/**
 * Ports that fail as a plan says: any port whose calls give promises. Knows nothing of a test runner, so that a real
 * process can be run on it as well. Nothing here takes time: what is held goes on when `release` is called.
 */
import { setImmediate as turn } from 'node:timers/promises';

export const faultKinds = [
  /** Rejects; nothing was done. */
  'lost',
  /** Done, and then rejects. */
  'persisted-but-errored',
  /** Done and answered only at `release`; its arguments are not looked at before, as a busy disk's queue would not. */
  'slow',
  /** Done and answered after the call of the same port that follows it; at `release` when there is none. */
  'reordered',
  /** Never done, never answered. */
  'dead',
  /** Done, never answered. */
  'persisted-but-dead',
  /** Rejects with ENOSPC, as does every later call that needs the disk, until `makeSpace`. */
  'full-disk',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The `nth` call (from 1) of `point` ("journal.append"), counted from the start. */
export interface PlannedFault {
  readonly point: string;
  readonly nth: number;
  readonly kind: FaultKind;
}

export interface InjectedFault {
  readonly point: string;
  /** Which call of this point it was, from 1. */
  readonly nth: number;
  readonly kind: FaultKind;
  readonly args: readonly unknown[];
}

export interface FaultyCalls<T> {
  /** The calls that may fail; all others go straight to the port. */
  readonly calls: readonly (keyof T & string)[];
  /** Whether a full disk makes them fail. */
  readonly onDisk?: boolean;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** `count` faults at any of `points`, each within its first `calls` calls. The same numbers give the same plan. */
export function planFaults(
  random: () => number,
  points: readonly string[],
  { count = 1, calls = 4, kinds = faultKinds }: PlanOptions = {},
): PlannedFault[] {
  const below = (n: number): number => Math.floor(random() * n);
  return Array.from({ length: count }, () => ({
    point: points[below(points.length)]!,
    nth: 1 + below(calls),
    kind: kinds[below(kinds.length)]!,
  }));
}

export interface PlanOptions {
  readonly count?: number;
  readonly calls?: number;
  readonly kinds?: readonly FaultKind[];
}

/** The faults of one run. */
export class Faults {
  /** Everything that was done to a call, in order. */
  readonly injected: InjectedFault[] = [];
  readonly #plan: readonly PlannedFault[];
  readonly #onInjected: (fault: InjectedFault) => void;
  readonly #seen = new Map<string, number>();
  /** Held until `release`. */
  readonly #held = new Set<() => void>();
  /** By port: calls that wait for the next one to be done. */
  readonly #overtaken = new Map<string, (() => void)[]>();
  #full = false;

  constructor(plan: readonly PlannedFault[], onInjected: (fault: InjectedFault) => void = () => undefined) {
    this.#plan = plan;
    this.#onInjected = onInjected;
  }

  /** The same port under the name `name`, whose `calls` fail as planned. */
  wrap<T extends object>(name: string, port: T, { calls, onDisk = true }: FaultyCalls<T>): T {
    return new Proxy(port, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        const real = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
        if (!(calls as readonly PropertyKey[]).includes(key)) return real;
        return (...args: unknown[]) => this.#call(name, String(key), real as Call, args, onDisk);
      },
    });
  }

  /** What is slow or waits to be overtaken goes on, in the order in which it was asked for. */
  async release(): Promise<void> {
    for (let [go] = this.#held; go !== undefined; [go] = this.#held) {
      go();
      await turn();
    }
  }

  /** The disk takes writes again. */
  makeSpace(): void {
    this.#full = false;
  }

  async #call(port: string, call: string, real: Call, args: unknown[], onDisk: boolean): Promise<unknown> {
    const point = `${port}.${call}`;
    const nth = (this.#seen.get(point) ?? 0) + 1;
    this.#seen.set(point, nth);
    const kind = this.#kindOf(point, nth, onDisk);
    if (kind === undefined) return this.#andThoseBefore(port, real(...args));
    const fault = { point, nth, kind, args };
    this.injected.push(fault);
    this.#onInjected(fault);
    return this.#misbehave(fault, port, () => real(...args));
  }

  #kindOf(point: string, nth: number, onDisk: boolean): FaultKind | undefined {
    const planned = this.#plan.find((fault) => fault.point === point && fault.nth === nth)?.kind;
    if (planned === 'full-disk') this.#full = onDisk;
    if (this.#full && onDisk) return 'full-disk';
    return planned === 'full-disk' ? undefined : planned;
  }

  #misbehave({ kind, point, nth }: InjectedFault, port: string, real: () => Promise<unknown>) {
    const ways: Record<FaultKind, () => Promise<unknown>> = {
      lost: () => fail('EIO', `${point} ${nth} was lost`),
      'persisted-but-errored': () =>
        real().then(() => fail('EIO', `${point} ${nth} was done, and then failed`)),
      slow: () => this.#released().then(real),
      reordered: () => this.#overtakenOn(port).then(real),
      dead: silence,
      'persisted-but-dead': () => real().then(silence),
      'full-disk': () => fail('ENOSPC', 'no space left on device'),
    };
    return ways[kind]();
  }

  /** Once a call is done, those that it has overtaken are. */
  async #andThoseBefore(port: string, done: Promise<unknown>): Promise<unknown> {
    const waiting = this.#overtaken.get(port) ?? [];
    this.#overtaken.delete(port);
    try {
      return await done;
    } finally {
      for (const go of waiting) go();
    }
  }

  #overtakenOn(port: string): Promise<void> {
    return new Promise((resolve) => {
      this.#overtaken.set(port, [...(this.#overtaken.get(port) ?? []), resolve]);
      this.#hold(resolve);
    });
  }

  #released(): Promise<void> {
    return new Promise((resolve) => this.#hold(resolve));
  }

  #hold(resolve: () => void): void {
    const go = (): void => {
      this.#held.delete(go);
      resolve();
    };
    this.#held.add(go);
  }
}

function fail(code: string, what: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(`${code}: ${what}`), { code }));
}

function silence(): Promise<never> {
  return new Promise(() => undefined);
}
