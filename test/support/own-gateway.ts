import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { VerifyReport } from '#core/recording/verify/verify.ts';
import type { LocalGateway } from './local-gateway.ts';
import { bytesOf, framesOf, verify } from './recorded.ts';

const MAIN = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));

interface Said {
  readonly event: string;
  readonly level?: string;
  readonly code?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly reason?: string;
}

/** A gateway process of its own in front of the database of `npm start`, which nobody starts again when it ends. */
export class OwnGateway {
  /** What it logged, over all its lives. */
  readonly said: Said[] = [];
  readonly #local: LocalGateway;
  readonly #dataDir: string;
  readonly #port: number;
  readonly #args: readonly string[];
  readonly #host: string;
  #child: ChildProcess | undefined;

  /** `dataDir`: a folder with a configuration, keys and secrets. */
  constructor(
    local: LocalGateway,
    dataDir: string,
    port: number,
    args: readonly string[] = [],
    host = '127.0.0.1',
  ) {
    this.#local = local;
    this.#dataDir = dataDir;
    this.#port = port;
    this.#args = args;
    this.#host = host;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /**
   * Resolves when it listens, with what was left sealed. Rejects when it ends instead, with what it said last.
   * `under`: a command that runs the process, in the same process.
   */
  start(under: readonly string[] = []): Promise<void> {
    const folder = ['--config', join(this.#dataDir, 'custody.yaml'), '--data-dir', this.#dataDir];
    const listen = ['--processes', '1', '--listen', `${this.#host}:${this.#port}`];
    const [program, ...args] = [...under, process.execPath, MAIN, ...folder, ...listen, ...this.#args];
    const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    return new Promise((ready, failed) => {
      createInterface(child.stderr).on('line', (line) => {
        const said = parse(line);
        this.said.push(said);
        if (said.event === 'listening') ready();
      });
      child.once('close', () => failed(new Error(JSON.stringify(this.said.at(-1)))));
    });
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    return new Promise((done) => child.once('close', done));
  }

  /** SIGTERM: it drains. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child?.kill(signal);
    if (this.#child !== undefined) await this.ended();
  }

  /** A developer's connection. */
  async connect(target: string): Promise<OwnClient> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.#port,
      database: target,
      user: 'dana',
      password: await this.#local.token('developer'),
      ssl: { ca: readFileSync(this.#local.addresses.ca, 'utf8'), servername: 'localhost' },
    });
    const errors: string[] = [];
    client.on('error', (error) => errors.push(error.message));
    const ended = new Promise<void>((done) => client.once('end', () => done()));
    await client.connect();
    return { client, errors, ended };
  }

  /** Oldest first. */
  async sessions(): Promise<readonly SessionRecord[]> {
    const index = openSessionIndex(join(this.#dataDir, 'index.sqlite'));
    const { sessions } = await index.list({ limit: 1000 });
    index.close();
    return sessions.toReversed();
  }

  verify(session: string): Promise<VerifyReport> {
    return verify(this.#asLocal(), session);
  }

  /** What the client sent, as recorded. */
  async sent(session: string): Promise<string> {
    return bytesOf(await framesOf(this.#asLocal(), session), 'client').toString('latin1');
  }

  #asLocal(): LocalGateway {
    const addresses = { ...this.#local.addresses, signer: join(this.#dataDir, 'signer.pem') };
    return { ...this.#local, dataDir: this.#dataDir, addresses };
  }
}

export interface OwnClient {
  readonly client: pg.Client;
  /** Errors that came without being asked for. */
  readonly errors: string[];
  readonly ended: Promise<void>;
}

function parse(line: string): Said {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return { event: 'not JSON', message: line };
  }
}
