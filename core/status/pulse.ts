/** What the processes of a gateway say of themselves, for who runs it. Nothing is decided by it. */

/** One process at one moment. */
export interface Pulse {
  /** A gateway task goes by its id, any other process by one of its own. */
  readonly process: string;
  readonly at: Date;
  /** Tokens that it refused lately. */
  readonly refused: readonly RefusedCount[];
  /** Of a gateway task alone. */
  readonly task?: TaskPulse;
}

export interface TaskPulse {
  readonly version: string;
  /** Sessions that it has. */
  readonly sessions: number;
  /** How long the oldest frame had waited to be durable off the task, milliseconds: the most since it was told last. */
  readonly journalLagMs: number;
}

/** How many tokens were refused for one reason within ten minutes. */
export interface RefusedCount {
  /** When the ten minutes began. */
  readonly from: Date;
  readonly door: Door;
  readonly code: string;
  /** The configuration's name of the issuer that the tokens say they are of, which nobody vouches for; absent where it has no such. */
  readonly issuer?: string;
  readonly count: number;
}

export type Door = 'api' | 'gateway';

export interface Pulses {
  /** In place of what this process said before. */
  tell(pulse: Pulse): Promise<void>;
  /** What processes said last, of those that said anything at that time or since. A process that ended is among them. */
  since(time: Date): Promise<readonly Pulse[]>;
}

/** How often a process tells of itself, and for how long others go by what it told. */
export const PULSE_MS = 10_000;
export const PULSE_KNOWN_MS = 2 * 3_600_000;
