import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import type { Plan } from './plan.ts';

/** An address of this machine that a browser is sent back to (RFC 8252 section 7.3). */
export interface Loopback {
  readonly redirect: string;
  /** The first call with this state; others may come, from pages that guess at ports, and change nothing. */
  arrival(state: string): Promise<URL>;
  close(): void;
}

/** A browser takes either for `localhost`: a port of which somebody else has the one is not ours (RFC 8252 section 8.3). */
const HOSTS = { '127.0.0.1': ['127.0.0.1'], localhost: ['127.0.0.1', '::1'] } as const;
const ANY_PORT = 0;
/** A free port of the one address may be taken on the other. */
const TRIES = 5;

/** Listens on the first of the plan's ports that is free, or on any. Rejects with `conflict` when none is. */
export async function listenOnLoopback(
  plan: Pick<Plan, 'ports' | 'redirectHost' | 'redirectPath'>,
): Promise<Loopback> {
  for (const port of plan.ports ?? Array.from({ length: TRIES }, () => ANY_PORT)) {
    const servers = await listen(HOSTS[plan.redirectHost], port);
    if (servers !== undefined) return loopback(servers, plan);
  }
  throw allTaken(plan);
}

/** On all of these addresses; undefined when one of them is taken. A machine may have no IPv6. */
async function listen(hosts: readonly string[], wanted: number): Promise<Server[] | undefined> {
  const servers: Server[] = [];
  let port = wanted;
  for (const host of hosts) {
    const server = createServer().listen(port, host);
    try {
      await once(server, 'listening');
    } catch (thrown) {
      const { code = '' } = thrown as NodeJS.ErrnoException;
      if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(code) && servers.length > 0) continue;
      for (const open of servers) open.close();
      if (['EADDRINUSE', 'EACCES'].includes(code)) return undefined;
      throw thrown;
    }
    servers.push(server);
    port = (server.address() as AddressInfo).port;
  }
  return servers;
}

function loopback(
  servers: readonly Server[],
  { redirectHost, redirectPath }: Pick<Plan, 'redirectHost' | 'redirectPath'>,
): Loopback {
  const { port } = servers[0]!.address() as AddressInfo;
  const redirect = `http://${redirectHost}:${port}${redirectPath}`;
  return {
    redirect,
    arrival: (state) => arrival(servers, redirect, state),
    close: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function arrival(servers: readonly Server[], redirect: string, state: string): Promise<URL> {
  const { promise, resolve } = Promise.withResolvers<URL>();
  const { pathname } = new URL(redirect);
  const look = (request: IncomingMessage, response: ServerResponse): void => {
    const url = URL.parse(request.url ?? '', redirect);
    const isOurs = url?.pathname === pathname && url.searchParams.get('state') === state;
    answer(response, isOurs);
    if (isOurs) resolve(url);
  };
  for (const server of servers) server.on('request', look);
  return promise;
}

function answer(response: ServerResponse, isOurs: boolean): void {
  const text = isOurs ? 'You can close this window and go back to the terminal.' : 'Not found.';
  response.writeHead(isOurs ? 200 : 404, {
    'content-type': 'text/plain; charset=utf-8',
    connection: 'close',
  });
  response.end(`${text}\n`);
}

function allTaken({ ports = [] }: Pick<Plan, 'ports'>): CustodyError {
  const named = ports.length === 1 ? `port ${ports[0]} is` : `ports ${ports.join(', ')} are`;
  return new CustodyError(
    'conflict',
    `${ports.length === 0 ? 'all ports are' : named} taken on this machine`,
    {
      hint: 'another custody login may be waiting there; else free one, or give one that is registered too: --port 8402',
    },
  );
}
