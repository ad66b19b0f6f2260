import type { ReplayFrame } from './step.ts';

/** Data within a protocol's messages. Bytes stay as they are until the next frame. */
export interface DataPiece {
  /** The same for what belongs together. */
  readonly lane: string;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** For one session. */
export type PiecesOf = (frame: ReplayFrame) => readonly DataPiece[];

/** Of protocols that carry streams in messages: what a person typed comes a letter at a time. */
export const LOAD_PIECES: ReadonlyMap<string, () => Promise<PiecesOf>> = new Map([
  ['ssh', async () => (await import('./ssh/pieces.ts')).sshPieces()],
]);
