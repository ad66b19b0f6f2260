import type { Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { addressOf } from '#core/access/made-sandboxes.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';
import { connectPlain, unreachable } from '../../wire/connect.ts';
import type { Trust } from './trust.ts';

/**
 * A connection to the target, encrypted where the target asks for it. Rejects with the reason of the signal once that is
 * aborted, else with `target-unreachable`.
 */
export async function connectTarget(
  target: PostgresTarget,
  trust: Trust,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const socket = await connectPlain(target, signal);
  const abandon = (): void => void socket.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return target.tls.mode === 'disable' ? socket : await secured(socket, target, target.tls, trust);
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable(target, cause);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

async function secured(
  socket: Socket,
  target: PostgresTarget,
  tls: Extract<PostgresTarget['tls'], { mode: 'verify-full' }>,
  trust: Trust,
): Promise<TLSSocket> {
  const context = await trust.contextFor(tls);
  await requestTls(socket);
  return verifyFull(socket, tls.serverName ?? addressOf(target).host, context);
}

/** SSLRequest; a plaintext byte after the answer would be somebody else's (CVE-2021-23222). */
async function requestTls(socket: Socket): Promise<void> {
  socket.write(encodeSslRequest());
  const answer = await firstBytes(socket);
  if (answer.byteLength !== 1) throw new Error('the target sent data before TLS was agreed');
  if (answer[0] !== 'S'.charCodeAt(0)) throw new Error('the target does not offer TLS');
}

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(closedByTarget());
    socket.once('close', closed);
    socket.once('readable', () => {
      socket.off('close', closed);
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) closed();
      else resolve(bytes);
    });
  });
}

/** Certificate chain and host name are checked (libpq's verify-full); there is no weaker mode. */
function verifyFull(socket: Socket, serverName: string, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      host: serverName,
      servername: /^[\d.]+$|:/.test(serverName) ? '' : serverName,
      secureContext,
      ALPNProtocols: ['postgresql'],
    });
    const closed = (): void => reject(closedByTarget());
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error').off('close', closed);
      secure.on('error', () => secure.destroy());
      resolve(secure);
    });
    secure.once('error', reject);
    secure.once('close', closed);
  });
}

/** As one that was reset. */
function closedByTarget(): Error {
  return Object.assign(new Error('the target closed the connection'), { code: 'ECONNRESET' });
}
