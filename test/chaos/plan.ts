/** What the chaos run does to the gateway's writes; read by inject.ts inside the gateway process. */

/** Where the local adapters touch the disk. `append` is durable at once: the journal's, and the store's log; `statement` is SQLite. */
export const writePoints = ['create', 'write', 'append', 'sync', 'link', 'sync-folder', 'statement'] as const;
export type WritePoint = (typeof writePoints)[number];

export const injectedFaults = [
  'lost',
  'persisted-but-errored',
  'slow',
  'full-disk',
  'kill-before',
  'kill-after',
] as const;
export type InjectedFault = (typeof injectedFaults)[number];

export interface Plan {
  readonly fault: InjectedFault;
  /** Undefined: at whatever write comes. */
  readonly point: WritePoint | undefined;
  /** Of `statement`: only one that begins so. */
  readonly sql?: string;
  /** The fault happens at the n-th write from the plan's arrival on. */
  readonly nth: number;
  /** How long `slow` and `full-disk` last, milliseconds. */
  readonly forMs: number;
}
