import { connect, type Socket } from 'node:net';

const PATIENCE_MS = 5_000;

/** A TCP connection. Rejects where there is none within five seconds. */
export function reach(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS });
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(timedOut()));
    socket.once('connect', () => {
      socket.off('error', reject);
      // Whatever comes of it now is told to who reads.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function timedOut(): Error {
  return Object.assign(new Error('it does not answer'), { code: 'ETIMEDOUT' });
}

/** The first bytes that come; empty where none do before the end, or within five seconds. */
export function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const done = (): void => resolve((socket.read() as Buffer | null) ?? Buffer.alloc(0));
    for (const event of ['readable', 'end', 'close', 'timeout']) socket.once(event, done);
  });
}
