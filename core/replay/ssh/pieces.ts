import type { PiecesOf } from '../pieces.ts';
import { SSH_LIMITS } from './step.ts';
import { SshTape } from './tape.ts';

/** Data of channels, by their direction. */
export function sshPieces(): PiecesOf {
  const tape = new SshTape(SSH_LIMITS);
  return (frame) => {
    const pieces = [];
    for (const event of tape.take(frame)) {
      if (event.kind !== 'data') continue;
      const lane = `channel ${event.channel.number} of the ${event.by}`;
      pieces.push({ lane, at: frame.timeUs, bytes: Uint8Array.from(event.bytes) });
    }
    return pieces;
  };
}
