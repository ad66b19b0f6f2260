import type { Socket } from 'node:net';

const LINGER_MS = 2_000;

/** Sends the last bytes and closes, giving the peer a moment to read them: closing at once may discard them. */
export function farewell(socket: Socket, bytes: Uint8Array): void {
  if (socket.destroyed) return;
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
  socket.removeAllListeners('readable');
  socket.resume();
  if (socket.writable) socket.end(bytes);
  else socket.destroy();
}
