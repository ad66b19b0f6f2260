/** What the readers of a session's calls share. */
import type { CarriedProtocol } from '../carried.ts';
import type { KnownObjects } from './objects.ts';
import type { KubernetesReplayLimits } from './step.ts';

export interface ReadingContext {
  readonly limits: KubernetesReplayLimits;
  readonly objects: KnownObjects;
  /** What is left of each for all calls together. */
  readonly left: Left;
  /** What forwarded connections may speak. */
  readonly carries: readonly CarriedProtocol[];
}

export interface Left {
  /** Bytes of bodies that are gathered. */
  bodies: number;
  terminals: number;
  carried: number;
}
