import type { PiecesOf } from './pieces.ts';

/** Of protocols that carry streams in messages: what a person typed comes a letter at a time. */
export const LOAD_PIECES: ReadonlyMap<string, () => Promise<PiecesOf>> = new Map([
  ['kubernetes', async () => (await import('./kubernetes/pieces.ts')).kubernetesPieces()],
  ['ssh', async () => (await import('./ssh/pieces.ts')).sshPieces()],
]);
