import { createServer, type Server } from 'node:net';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Certificate } from './certificate.ts';
import type { Gateway } from './gateway.ts';
import type { CancelKeys } from './protocols/postgres/cancel.ts';
import { postgresProtocol } from './protocols/postgres/postgres.ts';
import { streamBindings } from './wire/raw-end.ts';
import { RelayMemory } from './wire/relay-memory.ts';

export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly certificate: Certificate;
  /** Who is told to clients that ask where to log in. */
  readonly issuer: () => string;
  readonly keys: CancelKeys;
  /** The file that a target's `ca: rds` means. */
  readonly rdsBundle: string | undefined;
  /** A connection could not be accepted. */
  readonly onTrouble: (error: CustodyError) => void;
}

/** Listens for clients. Rejects with `config-invalid`. */
export function listen(
  { host, port, certificate, onTrouble, ...options }: Listening,
  gateway: Gateway,
): Promise<Server> {
  const postgres = postgresProtocol({
    tls: () => certificate.context,
    ...options,
    memory: new RelayMemory(),
    bindings: streamBindings(),
  });
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) =>
    gateway.serve(postgres, socket),
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
