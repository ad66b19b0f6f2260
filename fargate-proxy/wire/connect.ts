import { connect, type Socket } from 'node:net';
import { addressOf } from '#core/access/made-sandboxes.ts';
import type { Address } from '#core/access/target-schema.ts';
import { CustodyError } from '#core/errors.ts';

const KEEP_ALIVE_MS = 30_000;

/** Where the configuration says that a target is: nobody else has a say in it (security case 9). */
export interface Destination {
  readonly name: string;
  readonly address?: Address | undefined;
}

/** Rejects with the reason of the signal once that is aborted, else with `target-unreachable`. */
export function connectPlain(target: Destination, signal: AbortSignal): Promise<Socket> {
  const { host, port } = addressOf(target);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    const aborted = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', (cause) => {
      signal.removeEventListener('abort', aborted);
      reject(unreachable(target, cause));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', aborted);
      socket.removeAllListeners('error');
      destroyOnError(socket);
      resolve(socket);
    });
  });
}

/** By itself: a closure of a caller's would keep, for as long as the socket lives, what only its login needed. */
export function destroyOnError(socket: Socket): void {
  socket.on('error', () => socket.destroy());
}

export function unreachable(target: Destination, cause: unknown): CustodyError {
  const { name } = target;
  const { host, port } = addressOf(target);
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CustodyError('target-unreachable', `the target "${name}" cannot be reached`, {
    hint: 'the gateway is up; the target behind it is down or its address is wrong',
    detail: `${host}:${port}: ${detail}`,
    cause,
  });
}
