import type { Address } from '../access/target-schema.ts';
import type { Sandbox } from './sandbox.ts';

/** Where sandboxes are kept. */
export interface SandboxStore {
  /** When it returns, the new one is durable. Rejects with `already-exists`. */
  create(sandbox: Sandbox): Promise<void>;
  /** Compare and set: durable when it returns. Rejects with `conflict` where the stored one is not the one before `sandbox.version`. */
  change(sandbox: Sandbox): Promise<void>;
  /** As it is now. Rejects with `not-found`. */
  get(id: string): Promise<Sandbox>;
  /** All of which anything may be left, oldest first: whatever a `create` that has returned has stored. */
  present(): Promise<readonly Sandbox[]>;
}

/** How far a sandbox has come. */
export type Progress =
  | { readonly state: 'making' }
  | { readonly state: 'ready'; readonly address: Address }
  | { readonly state: 'failed'; readonly message: string; readonly hint?: string };

/**
 * What makes the databases. Each call is short, and may be made again at any time, after a crash too: what there is in the world says
 * how far it has come, and carries the sandbox's id.
 */
export interface SandboxMaker {
  /** Begins, or goes on. Of one that was ready, whether it still is. Throws `precondition-failed` where it cannot be made, in words for who asked. */
  make(sandbox: Sandbox): Promise<Progress>;
  /** Removes all that there is of it, or goes on to. True once nothing is left; also where nothing was. */
  remove(id: string): Promise<boolean>;
  /** The ids of all of which there is anything. */
  existing(): Promise<readonly string[]>;
}
