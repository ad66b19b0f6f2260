import { createServer, type Server } from 'node:net';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Gateway } from './gateway.ts';
import type { CallProtocol, Protocol } from './protocol.ts';

/** Where clients of one protocol are listened for. */
export interface Doorway {
  readonly protocol: Protocol | CallProtocol;
  readonly host: string;
  readonly port: number;
}

/** All doorways of a gateway: they open and close together. */
export class Listeners {
  readonly #servers: readonly Server[];

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /** Whether whoever comes is let in, by every protocol. */
  get listening(): boolean {
    return this.#servers.every(({ listening }) => listening);
  }

  /** Nobody new; who is inside stays. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** Listens for clients. `onTrouble`: a connection could not be accepted. Rejects with `config-invalid`, and listens nowhere then. */
export async function listen(
  doorways: readonly Doorway[],
  gateway: Gateway,
  onTrouble: (error: CustodyError) => void,
): Promise<Listeners> {
  const servers: Server[] = [];
  try {
    for (const doorway of doorways) servers.push(await open(doorway, gateway, onTrouble));
  } catch (error) {
    new Listeners(servers).close();
    throw error;
  }
  return new Listeners(servers);
}

function open(
  { protocol, host, port }: Doorway,
  gateway: Gateway,
  onTrouble: (error: CustodyError) => void,
): Promise<Server> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) =>
    gateway.serve(protocol, socket),
  );
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
    server.listen({ port, host, backlog: 1024 }, () => {
      // One that cannot be accepted ends nobody else's session.
      server.removeAllListeners('error').on('error', (cause) => onTrouble(asCustodyError(cause)));
      resolve(server);
    });
  });
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): CustodyError {
  const taken = cause.code === 'EADDRINUSE';
  return new CustodyError(
    'config-invalid',
    taken ? `port ${port} on ${host} is taken` : `cannot listen on ${host}:${port}: ${cause.message}`,
    { hint: taken ? 'stop what uses it, or choose another port' : 'choose another address', cause },
  );
}
