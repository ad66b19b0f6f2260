import { createServer, type Server, type Socket } from 'node:net';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { CallProtocol, Protocol } from './protocol.ts';

/** Where clients of one protocol are listened for. `P`: what is known of it. */
export interface Doorway<P = Protocol | CallProtocol> {
  readonly protocol: P;
  readonly host: string;
  readonly port: number;
}

/** Whoever comes, comes through them. */
export interface Doors {
  /** Whether whoever comes is let in, by every protocol. */
  readonly listening: boolean;
  /** Nobody new; who is inside stays. */
  close(): void;
}

/** What becomes of who came. */
export interface Receiving<P = Protocol | CallProtocol> {
  serve(protocol: P, socket: Socket): void;
}

/** All doorways of a gateway: they open and close together. */
export class Listeners implements Doors {
  readonly #servers: readonly Server[];

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  get listening(): boolean {
    return this.#servers.every(({ listening }) => listening);
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/**
 * Listens for clients. `onTrouble`: a connection could not be accepted. `pauseOnConnect`: nothing of what they say is read. Rejects with
 * `config-invalid`, and listens nowhere then.
 */
export async function listen<P>(
  doorways: readonly Doorway<P>[],
  gateway: Receiving<P>,
  onTrouble: (error: CustodyError) => void,
  pauseOnConnect = false,
): Promise<Listeners> {
  const servers: Server[] = [];
  try {
    for (const doorway of doorways) servers.push(await open(doorway, gateway, onTrouble, pauseOnConnect));
  } catch (error) {
    new Listeners(servers).close();
    throw error;
  }
  return new Listeners(servers);
}

function open<P>(
  { protocol, host, port }: Doorway<P>,
  gateway: Receiving<P>,
  onTrouble: (error: CustodyError) => void,
  pauseOnConnect: boolean,
): Promise<Server> {
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, pauseOnConnect };
  const server = createServer(options, (socket) => gateway.serve(protocol, socket));
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
