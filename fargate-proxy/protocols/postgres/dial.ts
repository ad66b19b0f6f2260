import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';

const KEEP_ALIVE_MS = 30_000;

/** A connection to the target, encrypted where the target asks for it. Rejects with `target-unreachable`. */
export async function connectTarget(target: Target, signal: AbortSignal): Promise<Socket> {
  const socket = await connectPlain(target, signal);
  const { tls } = target;
  if (tls.mode === 'disable') return socket;
  try {
    await requestTls(socket);
    return await verifyFull(socket, tls.serverName ?? target.address.host, tls.caFile);
  } catch (cause) {
    socket.destroy();
    throw unreachable(target, cause);
  }
}

function connectPlain(target: Target, signal: AbortSignal): Promise<Socket> {
  const { host, port } = target.address;
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    const aborted = (): void => void socket.destroy(new Error('the login took too long'));
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', (cause) => reject(unreachable(target, cause)));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    if (signal.aborted) aborted();
  });
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
    const closed = (): void => reject(new Error('the target closed the connection'));
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
function verifyFull(socket: Socket, serverName: string, caFile: string | undefined): Promise<TLSSocket> {
  const ca = caFile === undefined ? undefined : readFileSync(caFile);
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      host: serverName,
      servername: /^[\d.]+$|:/.test(serverName) ? '' : serverName,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ALPNProtocols: ['postgresql'],
      ...(ca === undefined ? {} : { ca }),
    });
    secure.once('secureConnect', () => {
      secure.removeAllListeners('error');
      secure.on('error', () => secure.destroy());
      resolve(secure);
    });
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('the target closed the connection')));
  });
}

function unreachable(target: Target, cause: unknown): CustodyError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CustodyError('target-unreachable', `the target "${target.name}" cannot be reached`, {
    hint: 'the gateway is up; the target behind it is down or its address is wrong',
    detail: `${target.address.host}:${target.address.port}: ${detail}`,
    cause,
  });
}
