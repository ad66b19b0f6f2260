/** A psql of this machine goes on with a connection that a rerun has left open, at exactly its state. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  authenticationOk,
  backendKeyData,
  parameterStatus,
  readyForQuery,
  type TransactionStatus,
} from '#core/protocols/postgres/backend.ts';
import { readStartup } from '#core/protocols/postgres/startup.ts';
import type { Live } from '#core/replay/rerun/postgres/live.ts';
import { type Cli, say } from '../../cli.ts';

const PORT = '5432';
const SOCKET = `.s.PGSQL.${PORT}`;
const STARTUP_MAX = 10_004;
const NO_TLS = 0x4e; // N

/** Resolves when psql, or the sandbox, has ended it. Nobody else of this machine may enter the socket's folder. */
export async function takeOver(cli: Cli, live: Live): Promise<void> {
  // Short: the path of a socket has room for 104 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'custody-'));
  const door = new Door(live);
  try {
    await door.open(join(folder, SOCKET));
    const command = ['psql', '-X', '-h', folder, '-p', PORT, '-U', 'sandbox', '-d', 'sandbox'];
    say(cli, `the sandbox stands at that step; this goes on from there: ${command.join(' ')}`);
    if (cli.stdin === process.stdin && process.stdin.isTTY && cli.stdout.isTTY) await runPsql(cli, command);
    await door.over;
  } finally {
    door.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runPsql({ env }: Cli, [program = '', ...args]: readonly string[]): Promise<void> {
  const passOn = (): void => undefined; // Ctrl-C is psql's.
  process.on('SIGINT', passOn);
  try {
    await once(spawn(program, args, { stdio: 'inherit', env: takeOverEnv(env) }), 'exit');
  } finally {
    process.off('SIGINT', passOn);
  }
}

/** What libpq takes from its environment could lead it elsewhere, or tell it a password (PGHOSTADDR, PGPORT, PGPASSWORD). */
export function takeOverEnv(env: Cli['env']): Cli['env'] {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(others), PGPASSFILE: devNull };
}

/** One client comes in, and cancel requests of its. */
class Door {
  readonly #live: Live;
  readonly #server: Server;
  readonly #over = Promise.withResolvers<void>();
  #client: Socket | undefined;

  constructor(live: Live) {
    this.#live = live;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  get over(): Promise<void> {
    return this.#over.promise;
  }

  async open(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
    // What comes of itself while nobody is there yet, such as notifications, is the one's that comes.
    const early: Uint8Array[] = [];
    this.#live.relayTo = (bytes) => {
      if (this.#client === undefined) early.push(bytes);
      else this.#client.write(bytes);
    };
    this.#early = early;
    const watch = async (): Promise<void> => {
      while (!this.#live.isClosed) await this.#live.changed();
      this.#client?.end();
      this.#over.resolve();
    };
    void watch();
  }

  #early: Uint8Array[] = [];

  close(): void {
    this.#live.wire?.end();
    this.#client?.destroy();
    this.#server.close();
  }

  #greet(socket: Socket): void {
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    const read = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const left = this.#first(socket, held);
      if (left === undefined) return;
      held = left;
      if (this.#client !== socket) return;
      socket.off('data', read);
      this.#relay(socket, left);
    };
    socket.on('data', read);
  }

  /** What follows the packets that were whole; undefined where one is not, or where the peer has to go. */
  #first(socket: Socket, bytes: Buffer): Buffer | undefined {
    try {
      const packet = readStartup(bytes);
      if (packet === undefined) return bytes.length > STARTUP_MAX ? void socket.destroy() : undefined;
      const rest = bytes.subarray(packet.byteLength);
      if (packet.kind === 'cancel') {
        void this.#live.cancel().finally(() => socket.destroy());
        return undefined;
      }
      if (packet.kind !== 'startup') {
        socket.write(Uint8Array.of(NO_TLS));
        return rest.length === 0 ? Buffer.alloc(0) : this.#first(socket, rest);
      }
      if (this.#client !== undefined) return void socket.destroy();
      this.#client = socket;
      return rest;
    } catch {
      return void socket.destroy();
    }
  }

  /** As if it had just logged in, with everything as it is. */
  #relay(socket: Socket, rest: Buffer): void {
    const { settings, key, status, wire } = this.#live;
    socket.write(authenticationOk());
    for (const [name, value] of settings) socket.write(parameterStatus(name, value));
    if (key !== undefined) socket.write(backendKeyData(key.processId, key.secret));
    socket.write(readyForQuery(status as TransactionStatus));
    for (const bytes of this.#early.splice(0)) socket.write(bytes);
    if (rest.length > 0) void wire?.send(rest);
    socket.on('data', (bytes: Buffer) => void wire?.send(bytes));
    socket.once('close', () => {
      wire?.end();
      this.#over.resolve();
    });
  }
}
