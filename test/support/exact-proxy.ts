import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { statementHash } from '#core/access/statements.ts';
import type { CustodyError } from '#core/errors.ts';
import { parseBackend } from '#core/protocols/postgres/backend.ts';
import { ExactSession, type Hands } from '#core/protocols/postgres/exact-session.ts';
import type { Harmless } from '#core/protocols/postgres/harmless.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import { Backend, MessageReader } from '#core/protocols/postgres/messages.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { encodeStartup, readStartup } from '#core/protocols/postgres/startup.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';

export interface ExactProxyOptions {
  readonly port: number;
  readonly statements: readonly string[];
  readonly allow?: readonly Harmless[];
  readonly exact?: Partial<PostgresTarget['exact']>;
  /** Leave out to be the only session there is. */
  readonly claim?: () => Promise<void>;
  /** Leaves the settings at the start away, as a target would that does not heed them. */
  readonly unheeded?: boolean;
}

export const EXACT: PostgresTarget['exact'] = {
  searchPath: '"$user", public',
  timeZone: 'UTC',
  dateStyle: 'ISO, MDY',
  settings: {},
};

/** A server with a session for exact commands before it, without TLS, tokens or a recording: for real clients. */
export class ExactProxy {
  readonly #server: Server;
  readonly #options: ExactProxyOptions;
  readonly notes: string[] = [];
  readonly ended: CustodyError[] = [];
  /** Messages of clients that reached the server after its login. */
  readonly forwarded: Buffer[] = [];
  claims = 0;

  static async start(options: ExactProxyOptions): Promise<ExactProxy> {
    const proxy = new ExactProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(options: ExactProxyOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(client: Socket): void {
    const target = connect({ port: this.#options.port, host: '127.0.0.1' });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      one.setNoDelay();
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    void this.#login(client, target);
  }

  async #login(client: Socket, target: Socket): Promise<void> {
    const settings = meaningFor({ exact: { ...EXACT, ...this.#options.exact } });
    let held = Buffer.alloc(0);
    let session: ExactSession | undefined;
    const reader = new MessageReader(1 << 20);
    client.on('data', (chunk: Buffer) => {
      if (session !== undefined) return session.fromClient(chunk);
      held = Buffer.concat([held, chunk]);
      const packet = readStartup(held);
      if (packet === undefined) return;
      held = Buffer.from(held.subarray(packet.byteLength));
      if (packet.kind === 'ssl-request' || packet.kind === 'gss-request') return void client.write('N');
      if (packet.kind !== 'startup') return client.destroy();
      const asked = new Map(packet.parameters);
      if (this.#options.unheeded !== true) for (const one of settings) asked.set(...one);
      target.write(encodeStartup({ minor: 0, parameters: asked }));
      client.removeAllListeners('data');
      client.on('data', (bytes: Buffer) =>
        session === undefined ? target.write(bytes) : session.fromClient(bytes),
      );
    });
    target.on('data', (chunk: Buffer) => {
      if (session !== undefined) return session.fromTarget(chunk);
      client.write(chunk);
      reader.push(chunk);
      for (const one of reader)
        if (one.type === Backend.readyForQuery) session = this.#session(client, target, settings);
    });
  }

  #session(client: Socket, target: Socket, settings: ReadonlyMap<string, string>): ExactSession {
    const { statements, allow = [], claim } = this.#options;
    const hands: Hands = {
      forward: (bytes) => {
        this.forwarded.push(Buffer.from(bytes));
        target.write(Uint8Array.from(bytes));
      },
      pass: (bytes) => client.write(Uint8Array.from(bytes)),
      say: (bytes) => client.write(Uint8Array.from(bytes)),
      ask: (bytes) => target.write(Uint8Array.from(bytes)),
      note: (fact) => this.notes.push(JSON.stringify(fact)),
      claim: async () => {
        await claim?.();
        this.claims += 1;
      },
      end: (error) => {
        this.ended.push(error);
        session.stop();
        client.end(errorResponseFor(error));
        target.destroy();
      },
      drained: () => undefined,
    };
    const session = new ExactSession(
      new StatementGate(statements.map(statementHash), allow),
      settings,
      hands,
    );
    return session;
  }
}

/** The messages of a server, for tests. */
export function messagesOf(bytes: Uint8Array) {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].map((one) => parseBackend(one.type, one.truncated ? one.prefix : one.body));
}
