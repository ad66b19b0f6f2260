import { LOAD_PIECES } from '../replay/load-pieces.ts';
import type { ReplayFrame } from '../replay/step.ts';
import { type Piece, pieceOf } from './deep.ts';

/** Frames as they are, and what a protocol says of them besides: data that its messages cut. */
export async function piecesOf(protocol: string): Promise<(frame: ReplayFrame) => readonly Piece[]> {
  const inner = await LOAD_PIECES.get(protocol)?.();
  if (inner === undefined) return (frame) => [pieceOf(frame)];
  return (frame) => [
    pieceOf(frame),
    ...inner(frame).map((piece) => ({ ...piece, acrossOnly: true as const })),
  ];
}
