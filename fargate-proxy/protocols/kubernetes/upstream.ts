/** The API server behind a session: connections of its own, shared with no other session. */
import { readFile } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { type buildConnector, buildConnector as connectorOf, type Dispatcher, Pool } from 'undici';
import { addressOf } from '#core/access/made-sandboxes.ts';
import { CustodyError } from '#core/errors.ts';
import type { KubernetesTarget } from '#core/protocols/kubernetes/schema.ts';
import { unreachable } from '../../wire/connect.ts';

/** Of what an API server answers, the head alone. */
const HEAD_MAX = 64 << 10;
/** An API server keeps them for longer. */
const KEEP_ALIVE_MS = 60_000;

/** Of node's sockets; its type of TLS options leaves them out. */
const KEPT_ALIVE: object = { keepAlive: true, keepAliveInitialDelay: 30_000, noDelay: true };

export interface UpstreamParts {
  readonly target: KubernetesTarget;
  readonly secret: string;
  /** The credential, read anew. */
  readonly again: () => Promise<string | undefined>;
  readonly calls: number;
  readonly freshMs: number;
  readonly now: () => number;
}

export class Upstream {
  readonly #parts: UpstreamParts;
  readonly #tls: ConnectionOptions;
  readonly #pool: Pool;
  readonly #sockets = new Set<TLSSocket>();
  readonly #host: string;
  #authorization: string | undefined;
  #madeAt: number;
  #renewing: Promise<void> | undefined;

  private constructor(parts: UpstreamParts, tls: ConnectionOptions) {
    const { host, port } = addressOf(parts.target);
    this.#parts = parts;
    this.#tls = tls;
    this.#host = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    this.#authorization = isToken(parts.target) ? `Bearer ${parts.secret.trim()}` : undefined;
    this.#madeAt = parts.now();
    this.#pool = new Pool(`https://${this.#host}`, {
      connect: this.#connector(),
      connections: parts.calls,
      pipelining: 1,
      allowH2: false,
      // What runs for how long is the API server's to say: a watch is silent for minutes.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEAD_MAX,
      strictContentLength: true,
    });
  }

  /** Rejects with `target-unreachable`, `target-refused`, and the reason of the signal. */
  static async dial(parts: UpstreamParts, signal: AbortSignal): Promise<Upstream> {
    signal.throwIfAborted();
    const tls = await tlsOf(parts.target, parts.secret).catch((cause) => {
      throw unreachable(parts.target, cause);
    });
    const upstream = new Upstream(parts, tls);
    try {
      await upstream.#prove(signal);
      return upstream;
    } catch (error) {
      upstream.destroy();
      signal.throwIfAborted();
      throw error;
    }
  }

  get sockets(): Iterable<TLSSocket> {
    return this.#sockets;
  }

  /** What every request has: names and values, one after the other. */
  own(): string[] {
    return this.#authorization === undefined
      ? ['host', this.#host]
      : ['host', this.#host, 'authorization', this.#authorization];
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(options, handler);
  }

  /** A request on a connection of its own, which becomes something else. `headers`: names and values, one after the other. */
  upgrade(method: string, path: string, headers: readonly string[]): ClientRequest {
    const connect = (): TLSSocket => this.#track(connectTls({ ...this.#tls, ALPNProtocols: ['http/1.1'] }));
    return requestTls({
      method,
      path,
      headers,
      setDefaultHeaders: false,
      createConnection: connect,
      maxHeaderSize: HEAD_MAX,
    });
  }

  /** Nothing to wait for while the credential is good for long enough. */
  fresh(): Promise<void> | undefined {
    const age = this.#parts.now() - this.#madeAt;
    if (this.#authorization === undefined || age < this.#parts.freshMs) return undefined;
    const renewed = this.renew();
    // The old one is good for twice as long: nobody waits for the new one.
    return age < 2 * this.#parts.freshMs ? undefined : renewed;
  }

  /** Reads the credential anew; the old one stays where there is none to be had. */
  renew(): Promise<void> {
    this.#renewing ??= this.#parts
      .again()
      .then((secret) => {
        if (secret === undefined || this.#authorization === undefined) return;
        this.#authorization = `Bearer ${secret.trim()}`;
        this.#madeAt = this.#parts.now();
      })
      .catch(() => undefined)
      .finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  destroy(): void {
    void this.#pool.destroy().catch(() => undefined);
    for (const socket of this.#sockets) socket.destroy();
  }

  #connector(): buildConnector.connector {
    const connect = connectorOf({ ...this.#tls, allowH2: false } as buildConnector.BuildOptions);
    return (options, callback) => {
      const { servername: _, ...rest } = options;
      connect(rest, (error, socket) => {
        if (error !== null) return callback(error, null);
        callback(null, this.#track(socket as TLSSocket));
      });
    };
  }

  #track(socket: TLSSocket): TLSSocket {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  /** The cluster can be reached, shows the certificate that it should, and takes the gateway's own credential. */
  #prove(signal: AbortSignal): Promise<void> {
    const { target } = this.#parts;
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.destroy();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', aborted, { once: true });
      const over = (settle: () => void): void => {
        signal.removeEventListener('abort', aborted);
        settle();
      };
      let refusal: CustodyError | undefined;
      this.dispatch(
        { method: 'GET', path: '/version', headers: this.own() },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_, status) => void (refusal = refusalOf(target.name, status)),
          onResponseData: () => undefined,
          onResponseEnd: () => over(() => (refusal === undefined ? resolve() : reject(refusal))),
          onResponseError: (_, cause) => over(() => reject(unreachable(target, cause))),
        },
      );
    });
  }
}

/** 403 is no refusal of the credential: whoever it is may not see the version. */
function refusalOf(name: string, status: number): CustodyError | undefined {
  if (status === 200 || status === 403) return undefined;
  const words =
    status === 401
      ? `the target "${name}" does not take the gateway's credential`
      : `the target "${name}" is not ready`;
  return new CustodyError('target-refused', words, {
    hint: 'tell whoever runs the gateway',
    detail: `GET /version: ${status}`,
  });
}

function isToken({ credential }: KubernetesTarget): boolean {
  return credential.certificateFile === undefined && credential.certificateSecret === undefined;
}

/** Only the CA that the target names is believed, and only for its name (security case 10). */
async function tlsOf(target: KubernetesTarget, secret: string): Promise<ConnectionOptions> {
  const { host, port } = addressOf(target);
  const { caFile, caData, serverName = host } = target.tls;
  const ca = caFile === undefined ? caData && Buffer.from(caData, 'base64') : await readFile(caFile);
  return {
    host,
    port,
    // An address is no SNI (RFC 6066 section 3); the certificate is checked against it all the same.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...KEPT_ALIVE,
    ...(ca === undefined ? {} : { ca }),
    ...(isToken(target) ? {} : { cert: secret, key: secret }),
  };
}
