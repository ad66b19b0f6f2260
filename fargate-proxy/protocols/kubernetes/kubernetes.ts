/** The API of Kubernetes, by HTTP/1.1 and HTTP/2 over TLS. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { CallProtocol, Reception } from '../../protocol.ts';
import { deviceOf, handshaken } from '../../wire/tls-device.ts';
import type { Asking } from './asking.ts';
import { ClientConnection } from './client-connection.ts';
import { Http1 } from './http1.ts';
import { serveHttp2 } from './http2.ts';
import { type NamedCluster, namedByPath, namedByServer } from './named-cluster.ts';
import { type KubernetesOptions, USUAL_LIMITS } from './options.ts';
import { refuseAsking } from './own-answer.ts';
import { RelayedCall } from './relayed-call.ts';
import { CallSessions } from './sessions.ts';
import { type SiftedHead, sifted } from './sifted-head.ts';

/** RFC 6750 section 2.1. */
const BEARER = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

export function kubernetesProtocol(options: KubernetesOptions): CallProtocol {
  const sessions = new CallSessions(
    options,
    { ...USUAL_LIMITS, ...options.limits },
    (...parts) => new RelayedCall(...parts),
  );
  const reader = new Reader(options, sessions);
  const http1 = new Http1((asking) => reader.take(asking));
  const serve = (connection: ClientConnection): { drain(): void } =>
    connection.secure.alpnProtocol === 'h2'
      ? serveHttp2(connection, (asking) => reader.take(asking))
      : http1.serve(connection);
  let drains: AbortSignal | undefined;
  return {
    name: 'kubernetes',
    converse: (socket, reception) => {
      // One for all connections of a gateway.
      if (drains === undefined)
        reception.drains.addEventListener('abort', () => sessions.drain(), { once: true });
      drains ??= reception.drains;
      return converse(socket, reception, options, serve);
    },
  };
}

type Serve = (connection: ClientConnection) => { drain(): void };

async function converse(
  socket: Socket,
  reception: Reception,
  options: KubernetesOptions,
  serve: Serve,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const late = (): void => void socket.destroy();
  // From before the handshake: one that closes right behind it tells nobody again.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  reception.signal.addEventListener('abort', late, { once: true });
  try {
    const secure = await acceptTls(socket, options);
    secure.on('error', () => secure.destroy());
    const served = serve(new ClientConnection(secure, reception, deviceOf(secure)));
    onAbort(reception.drains, () => served.drain(), secure);
    await closed;
  } catch (thrown) {
    socket.destroy();
    reception.refused(asCustodyError(thrown), {});
  } finally {
    reception.signal.removeEventListener('abort', late);
  }
}

/** Until the connection closes: there may be many, and one signal. */
function onAbort(signal: AbortSignal, aborted: () => void, secure: TLSSocket): void {
  if (signal.aborted) return aborted();
  signal.addEventListener('abort', aborted, { once: true });
  secure.once('close', () => signal.removeEventListener('abort', aborted));
}

function acceptTls(socket: Socket, { tls }: KubernetesOptions): Promise<TLSSocket> {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: tls(),
    ALPNProtocols: ['h2', 'http/1.1'],
    // A certificate is asked for and may be self-signed: a token names the one it is bound to (RFC 8705 section 4).
    requestCert: true,
    rejectUnauthorized: false,
  });
  return handshaken(secure);
}

/** From a request to its session. */
class Reader {
  readonly #options: KubernetesOptions;
  readonly #sessions: CallSessions;

  constructor(options: KubernetesOptions, sessions: CallSessions) {
    this.#options = options;
    this.#sessions = sessions;
  }

  take(asking: Asking): void {
    const head = sifted(asking.headers);
    let cluster: NamedCluster | undefined;
    try {
      cluster = this.#clusterOf(asking, head);
      if (saysGoodbye(asking, cluster)) return this.#leave(asking, head, cluster);
      const known = this.#sessions.known(asking.connection, head, cluster);
      if (known === undefined) return void this.#comeIn(asking, head, cluster);
      if (known.isExpired) throw tokenExpired();
      known.take(asking, head, cluster.rest);
    } catch (thrown) {
      this.#refuse(asking, asCustodyError(thrown), cluster?.target);
    }
  }

  /** Nothing is asked of the cluster: the client alone knows that its work is done, and somebody may wait for the recording. */
  #leave(asking: Asking, head: SiftedHead, cluster: NamedCluster): void {
    const hasLeft = this.#sessions.leave({ asking, head, cluster, token: tokenOf(head) });
    if (!hasLeft) throw new CustodyError('not-found', 'there is no session with this credential');
    asking.answerWith(204, [], Buffer.alloc(0));
  }

  async #comeIn(asking: Asking, head: SiftedHead, cluster: NamedCluster): Promise<void> {
    try {
      const token = tokenOf(head);
      const session = await this.#sessions.sessionFor({ asking, head, cluster, token });
      if (asking.gone) return;
      if (session.isExpired) throw tokenExpired();
      if (session.open) session.take(asking, head, cluster.rest);
      else throw overAlready();
    } catch (thrown) {
      refuseAsking(asking, asCustodyError(thrown));
    }
  }

  /**
   * By its path, or by the name that the connection was made to. A request may say another host (kubectl's --tls-server-name changes
   * the connection's name alone), but not that of another cluster: by HTTP/2 a client may take a connection for several names.
   */
  #clusterOf({ target, connection: { serverName } }: Asking, { host }: SiftedHead): NamedCluster {
    const path = originForm(target, host);
    const byPath = namedByPath(path);
    const byServer = serverName === undefined ? undefined : this.#options.targetOf(serverName);
    if (byServer === undefined) {
      if (byPath === undefined) throw noCluster();
      return byPath;
    }
    if (byPath !== undefined && byPath.target !== byServer) throw twoClusters();
    const byHost = this.#options.targetOf(hostName(host) ?? '');
    if (byHost !== undefined && byHost !== byServer) throw twoClusters();
    return byPath ?? namedByServer(byServer, path);
  }

  #refuse(asking: Asking, error: CustodyError, target: string | undefined): void {
    asking.connection.reception.refused(error, target === undefined ? {} : { target });
    refuseAsking(asking, error);
  }
}

/** DELETE of what names the cluster, and of nothing behind it: an API server has nothing there. */
function saysGoodbye({ method }: Asking, { prefix, rest }: NamedCluster): boolean {
  return method === 'DELETE' && prefix !== '' && rest === '/';
}

/** RFC 9112 section 3.2.2: a proxy is asked with the whole address; here it is only taken where it names this very host. */
function originForm(target: string, host: string | undefined): string {
  if (target.startsWith('/')) return target;
  const [, named, path] = /^https:\/\/([^/?#]*)(\/.*)$/i.exec(target) ?? [];
  if (named === undefined || named !== host) throw noPath();
  return path!;
}

function hostName(host: string | undefined): string | undefined {
  return host?.toLowerCase().replace(/:\d+$/, '');
}

function tokenOf({ authorization }: SiftedHead): string {
  const [, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token !== undefined) return token;
  throw new CustodyError('token-missing', 'this request shows no token', {
    hint: 'get a kubeconfig with: custody kubeconfig',
  });
}

function tokenExpired(): CustodyError {
  return new CustodyError('token-invalid', 'the token has expired', { hint: 'log in again: custody login' });
}

function overAlready(): CustodyError {
  return new CustodyError('not-ready', 'the session is over', { hint: 'try again' });
}

function noCluster(): CustodyError {
  return new CustodyError('not-found', 'the request names no cluster', {
    hint: 'the server of a kubeconfig ends with /clusters/NAME: get one with custody kubeconfig (and use kubectl proxy --append-server-path)',
  });
}

function noPath(): CustodyError {
  return new CustodyError('protocol-violation', 'the request names another host, or no path');
}

function twoClusters(): CustodyError {
  return new CustodyError('protocol-violation', 'the connection and the request name different clusters', {
    hint: 'use a connection of its own for each cluster',
  });
}
