/** A sandbox: a copy of a target's data as it was at a time, made for one person, for some time. */
import type { Person } from '../access/person.ts';
import type { Address } from '../access/target-schema.ts';

export const sandboxStates = ['making', 'ready', 'failed', 'removed'] as const;
export type SandboxState = (typeof sandboxStates)[number];

export interface Sandbox {
  /** UUID version 7. */
  readonly id: string;
  /** Grows by one with each change: what a change is compared with. */
  readonly version: number;
  /** The target of custody.yaml that clients name. */
  readonly target: string;
  /** The target whose data it has. */
  readonly from: string;
  /** The data is as it was then. */
  readonly at: string;
  /** The Idempotency-Key that it was asked for with. */
  readonly key?: string;
  /** For which session it was made, where it was for one. */
  readonly session?: string;
  readonly by: Person;
  /** `removed`: nobody gets there any more. Whether anything is left of it, `gone` says. */
  readonly state: SandboxState;
  readonly createdAt: string;
  /** It is removed then. */
  readonly until: string;
  readonly readyAt?: string;
  /** Of one that is ready. */
  readonly address?: Address;
  /** Why it failed, in words for whoever asked for it. */
  readonly problem?: { readonly message: string; readonly hint?: string };
  /** Nothing is left of it, and the ledger was told so. */
  readonly gone: boolean;
}

/** As a session's opening names the one that it was in. */
export interface NamedSandbox {
  readonly id: string;
  readonly from: string;
  readonly at: string;
}

export function isOpen({ state }: Sandbox): boolean {
  return state === 'making' || state === 'ready';
}

/** True once its time is over. */
export function isOver({ until }: Sandbox, now: Date): boolean {
  return new Date(until) <= now;
}
