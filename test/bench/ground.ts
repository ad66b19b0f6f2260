/** What all contenders stand on: a folder, a certificate, ports, and the processes that are ended with the bench. */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresUser } from './machine.ts';

const BASE_PORT = 17_400;
const END_MS = 1_500;
export const DATABASE = 'bench';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class Ground {
  readonly root = mkdtempSync(join(tmpdir(), 'custody-bench-'));
  readonly certificate: Certificate;
  readonly #started: ChildProcess[] = [];
  #port = BASE_PORT;

  constructor() {
    chmodSync(this.root, 0o755);
    this.certificate = makeCertificate(this.root);
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => void this.end().then(() => process.exit(1)));
  }

  nextPort(): number {
    return this.#port++;
  }

  /** Starts a server; resolves when it listens. Throws when somebody else does already: one bench at a time. */
  async serve(
    port: number,
    command: readonly [program: string, ...args: string[]],
    options: SpawnOptions = {},
  ): Promise<ChildProcess> {
    const [program, ...args] = command;
    if (await listens(port)) throw new Error(`somebody listens on port ${port}: another bench?`);
    const child = spawn(program, args, { stdio: 'ignore', ...options });
    this.#started.push(child);
    await Promise.race([portOpen(port), failed(program, child)]);
    return child;
  }

  async end(): Promise<void> {
    for (const child of this.#started.toReversed()) child.kill('SIGTERM');
    await sleep(END_MS);
    for (const child of this.#started) child.kill('SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }
}

async function failed(program: string, child: ChildProcess): Promise<never> {
  const why = await new Promise((done) => child.once('exit', done).once('error', done));
  throw new Error(`${program} does not run: ${String(why)}`);
}

function makeCertificate(root: string): Certificate {
  const cert = join(root, 'cert.pem');
  const key = join(root, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const { uid, gid } = postgresUser();
  chownSync(key, uid, gid);
  chmodSync(key, 0o600);
  return { cert, key };
}

/** Resolves when something listens on the port; rejects after 20 s. */
async function portOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await listens(port)) return;
    await sleep(100);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => done(true)).once('error', () => done(false));
    probe.once('connect', () => probe.destroy());
  });
}
