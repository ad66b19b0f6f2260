import type { Socket } from 'node:net';

/** How long a peer may take to read its last message and close. */
export const LINGER_MS = 2_000;
/**
 * What is still read of a peer that was told goodbye. Some has to be: a socket that is closed with bytes unread resets the
 * connection, and the peer may lose the last message (RFC 1122 section 4.2.2.13). More would be work for nothing.
 */
const UNHEARD_BYTES = 16 << 10;

/** Sends the last bytes and closes, giving the peer a moment to read them: closing at once may discard them. */
export function farewell(socket: Socket, bytes: Uint8Array): void {
  if (socket.destroyed) return;
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
  socket.removeAllListeners('readable');
  hearOut(socket);
  if (socket.writable) socket.end(bytes);
  else socket.destroy();
}

/** Reads and forgets, up to a bound; then the peer's own window fills, and nothing moves until the close. */
function hearOut(socket: Socket): void {
  let heard = 0;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.byteLength;
    if (heard > UNHEARD_BYTES) socket.pause();
  });
}
