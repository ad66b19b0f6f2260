import { createServer, type Server } from 'node:http';
import { Door } from './door.ts';

/** Longer than any honest check takes; whoever is slower is not waited for. */
const CHECK_MS = 2_000;

/** A load balancer has a few connections; whoever else gets here takes no descriptor from a session. */
const PEERS_MAX = 16;

/**
 * Answers `GET /healthz` of a load balancer: 200 while new sessions may come, 503 when they should go elsewhere. Tells nothing
 * else, and takes no other request.
 */
export function serveHealth(port: number, mayTakeSessions: () => boolean): Promise<Server> {
  const server = createServer({ requestTimeout: CHECK_MS, headersTimeout: CHECK_MS, maxHeaderSize: 4096 });
  const door = new Door({ sessions: 0, peers: PEERS_MAX, perAddress: PEERS_MAX });
  server.on('connection', (socket) => door.visit(socket));
  server.on('request', ({ url, method }, response) => {
    const known = url === '/healthz' && (method === 'GET' || method === 'HEAD');
    response.writeHead(known ? (mayTakeSessions() ? 200 : 503) : 404, { connection: 'close' }).end();
  });
  return new Promise((listening, failed) => {
    server.once('error', failed);
    // A process that has drained ends, and this with it.
    server.listen(port, () => listening(server.unref()));
  });
}
