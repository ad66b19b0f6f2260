import type { ReplayFrame } from './step.ts';

/** Data within a protocol's messages. */
export interface DataPiece {
  /** The same for what belongs together. */
  readonly lane: string;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** For one session, whose frames it is given in order. */
export type PiecesOf = (frame: ReplayFrame) => readonly DataPiece[];
