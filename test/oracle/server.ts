import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresBinaries } from '#local/database/postgres-binaries.ts';
import { postgresUser } from '../bench/machine.ts';

/** What the server wrote about one of its sessions, in order. */
export interface LogEntry {
  readonly session_id: string;
  readonly pid: number;
  readonly error_severity: string;
  readonly message: string;
  readonly detail?: string;
}

const LOGGED = [
  'logging_collector=on',
  'log_destination=jsonlog',
  'log_directory=log',
  'log_filename=oracle',
  'log_rotation_age=0',
  'log_rotation_size=0',
  'log_statement=all',
  'log_disconnections=on',
];

/** A PostgreSQL of its own that writes down every statement that it runs. */
export class OracleServer {
  readonly #root = mkdtempSync(join(tmpdir(), 'custody-oracle-'));
  readonly #owner = postgresUser();
  #process: ChildProcess | undefined;
  /** Bytes of the log that were read, and what they said by process id of the session. */
  #read = 0;
  readonly #entries = new Map<number, LogEntry[]>();
  readonly #crashed = new Set<number>();
  port = 0;
  /** Of its database, and so of its log. */
  readonly #encoding: 'UTF8' | 'LATIN1';

  constructor(encoding: 'UTF8' | 'LATIN1' = 'UTF8') {
    this.#encoding = encoding;
  }

  async start(): Promise<void> {
    const bin = postgresBinaries();
    const data = join(this.#root, 'data');
    const { uid, gid } = this.#owner;
    chownSync(this.#root, uid, gid);
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, uid, gid);
    const cwd = this.#root;
    const made = ['-D', data, '-U', 'app', '--auth=trust', '--no-sync', '-E', this.#encoding, '--locale=C'];
    execFileSync(join(bin, 'initdb'), made, { uid, gid, cwd, stdio: 'ignore' });
    this.port = await freePort();
    const settings = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
    ];
    const options = [...settings, ...LOGGED].flatMap((setting) => ['-c', setting]);
    this.#process = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
      uid,
      gid,
      cwd,
      stdio: 'ignore',
    });
    for (let tries = 0; !this.#logFrom(0).includes('ready to accept connections'); tries++) {
      if (tries === 300) throw new Error('the oracle server does not start');
      await sleep(50);
    }
  }

  /** What the session with this process id did, from its beginning to its end; waits for that. */
  async sessionLog(pid: number): Promise<LogEntry[]> {
    for (let tries = 0; tries < 1000; tries++) {
      this.#readOn();
      const entries = this.#entries.get(pid) ?? [];
      if (this.#crashed.has(pid) || entries.at(-1)?.message.startsWith('disconnection:') === true) {
        this.#entries.delete(pid);
        return entries;
      }
      await sleep(tries < 20 ? 2 : 20);
    }
    throw new Error(`the server says nothing about the end of the session of process ${pid}`);
  }

  /** PostgreSQL 18.4 dies of some of what is tried here, after a long time; how often it did. */
  get crashes(): number {
    return this.#crashed.size;
  }

  async stop(): Promise<void> {
    const server = this.#process;
    if (server !== undefined && server.exitCode === null) {
      const gone = new Promise((done) => server.once('exit', done));
      server.kill('SIGINT');
      await gone;
    }
    rmSync(this.#root, { recursive: true, force: true });
  }

  #readOn(): void {
    const text = this.#logFrom(this.#read);
    const end = text.lastIndexOf(10) + 1;
    this.#read += end;
    for (const line of text.subarray(0, end).toString('latin1').split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(
        this.#encoding === 'UTF8' ? Buffer.from(line, 'latin1').toString() : line,
      ) as LogEntry;
      const crashed = /\(PID (\d+)\) was terminated by signal/.exec(entry.message)?.[1];
      if (crashed !== undefined) this.#crashed.add(Number(crashed));
      const entries = this.#entries.get(entry.pid);
      if (entries === undefined) this.#entries.set(entry.pid, [entry]);
      else entries.push(entry);
    }
  }

  #logFrom(start: number): Buffer {
    const path = join(this.#root, 'data', 'log', 'oracle.json');
    if (!existsSync(path)) return Buffer.alloc(0);
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(fstatSync(file).size - start);
    const length = readSync(file, bytes, 0, bytes.length, start);
    closeSync(file);
    return bytes.subarray(0, length);
  }
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
