import type { ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgres } from '#adapters/postgres/executor.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Progress, SandboxMaker } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import type { CertificateFiles } from '../setup/certificates.ts';
import { killIfThere, processIds, readIfThere } from '../supervisor/processes.ts';
import { baseCopyOf, copyData, isReachable } from './base-copy.ts';
import { type Owner, ownerForPostgres } from './owner.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { clusterName, endOrphans } from './postgres-leftover.ts';
import { installCertificate, isRunning, spawnPostgres, stopServer, untilReady } from './postgres-server.ts';

/** Up to a gigabyte of WAL is gone through. */
const READY_MS = 120_000;
const GONE_MS = 10_000;
const LOOK_EVERY_MS = 20;
const HOST = '127.0.0.1';

export interface SandboxDatabasesOptions {
  /** The demo database's own. */
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
  readonly caFile: string;
  readonly passwordFile: string;
}

/**
 * Sandboxes of the demo database: point-in-time recovery of its base copy by its WAL, each a server of its own on this machine.
 * What another process of ours left is known by its folder, and nothing of it is used again.
 */
export class SandboxDatabases implements SandboxMaker {
  readonly #options: SandboxDatabasesOptions;
  readonly #making = new Map<string, Making>();
  readonly #removing = new Map<string, Promise<void>>();

  constructor(options: SandboxDatabasesOptions) {
    this.#options = options;
  }

  async make(sandbox: Sandbox): Promise<Progress> {
    const known = this.#making.get(sandbox.id);
    if (known !== undefined) return known.progress;
    if (sandbox.state === 'ready') return { state: 'failed', message: 'its server has ended' };
    const making = new Making();
    this.#making.set(sandbox.id, making);
    making.done = this.#run(sandbox, making).catch((thrown: unknown) => {
      making.progress = failureOf(thrown);
    });
    return making.progress;
  }

  async remove(id: string): Promise<boolean> {
    if (!existsSync(this.#folderOf(id)) && !this.#making.has(id)) return true;
    if (!this.#removing.has(id)) {
      const removal = this.#remove(id).finally(() => this.#removing.delete(id));
      removal.catch(() => undefined); // It is there still: the next call tries again.
      this.#removing.set(id, removal);
    }
    return false;
  }

  async existing(): Promise<readonly string[]> {
    const folder = join(this.#options.folder, 'sandboxes');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** Removes all there are, and resolves when nothing is left. */
  async stop(): Promise<void> {
    const ids = new Set([...this.#making.keys(), ...(await this.existing())]);
    await Promise.allSettled([...ids].map((id) => this.#removing.get(id) ?? this.#remove(id)));
  }

  async #remove(id: string): Promise<void> {
    const making = this.#making.get(id);
    making?.abort.abort();
    if (making?.server !== undefined) await stopServer(making.server);
    await making?.done;
    await endAllOn(this.#folderOf(id));
    await rm(this.#folderOf(id), { recursive: true, force: true });
    this.#making.delete(id);
  }

  /** Whatever it waits for, it looks afterwards whether it is still wanted. */
  async #run(sandbox: Sandbox, making: Making): Promise<void> {
    const { folder, certificate } = this.#options;
    const { signal } = making.abort;
    const base = reachableBase(folder, new Date(sandbox.at));
    const own = this.#folderOf(sandbox.id);
    const data = join(own, 'data');
    await endAllOn(own);
    rmSync(own, { recursive: true, force: true });
    const bin = postgresBinaries();
    const owner = ownerForPostgres(folder, bin);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    // Recovery stops before the first commit after the time: so there has to be one.
    give(owner, join(folder, 'sandboxes'), own);
    await this.#commit();
    await copyData(base, data, owner);
    signal.throwIfAborted();
    installCertificate(certificate, data, owner);
    writeFileSync(join(data, 'recovery.signal'), '');
    give(owner, join(data, 'recovery.signal'));
    const port = await freePort();
    signal.throwIfAborted();
    const settings = recoverySettings(join(folder, 'data'), sandbox.at);
    making.server = spawnPostgres({ bin, data, owner, port, settings });
    await untilReady(making.server, data, READY_MS);
    making.server.once(
      'exit',
      () => (making.progress = { state: 'failed', message: 'its server has ended' }),
    );
    if (isRunning(making.server)) making.progress = { state: 'ready', address: { host: HOST, port } };
  }

  /** A transaction of its own in the demo database, which changes nothing. */
  async #commit(): Promise<void> {
    const { port, caFile, passwordFile } = this.#options;
    const client = await openPostgres({
      ...{ name: 'the demo database', host: 'localhost', port, database: 'orders', user: 'app' },
      password: readFileSync(passwordFile, 'utf8').trim(),
      ca: readFileSync(caFile, 'utf8'),
      connectSeconds: 10,
    });
    try {
      const statement = "SELECT pg_current_xact_id(), pg_logical_emit_message(true, 'custody', 'sandbox')";
      await client.run({ statement, values: [] });
    } finally {
      await client.end();
    }
  }

  #folderOf(id: string): string {
    return join(this.#options.folder, 'sandboxes', id);
  }
}

class Making {
  readonly abort = new AbortController();
  progress: Progress = { state: 'making' };
  server: ChildProcess | undefined;
  done: Promise<void> | undefined;
}

/** Throws `precondition-failed` for a time that nothing is kept of. */
function reachableBase(folder: string, at: Date): string {
  const base = baseCopyOf(folder);
  if (base === undefined || !isReachable(base, join(folder, 'data')))
    throw new CustodyError(
      'precondition-failed',
      'too much was written since the demo database was started',
      {
        hint: 'start the demo again: it takes a new copy to make sandboxes of, and goes back no further than that',
      },
    );
  if (at >= base.takenAt) return base.data;
  throw new CustodyError(
    'precondition-failed',
    `the demo database can be had as it was since ${base.takenAt.toISOString()}, and not at ${at.toISOString()}`,
    { hint: 'choose a later time or session, or at: now' },
  );
}

/** https://www.postgresql.org/docs/current/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET */
function recoverySettings(source: string, at: string): Record<string, string> {
  const wal = join(source, 'pg_wal').replaceAll('%', '%%').replaceAll("'", String.raw`'\''`);
  return {
    restore_command: `cp -- '${wal}/%f' '%p'`,
    // By an offset: names of zones, Z among them, are not known yet when it is read.
    recovery_target_time: at.replace('Z', '+00'),
    recovery_target_action: 'promote',
    recovery_target_timeline: 'current',
    hot_standby: 'off',
    wal_keep_size: '0',
    // It is never started a second time.
    fsync: 'off',
    full_page_writes: 'off',
    max_wal_size: '128MB',
    shared_buffers: '32MB',
  };
}

function failureOf(thrown: unknown): Progress {
  const { code, message, hint, detail } = asCustodyError(thrown);
  const words = code === 'internal' ? (detail?.split('\n')[0] ?? message) : message;
  return {
    state: 'failed',
    message: code === 'precondition-failed' ? words : `PostgreSQL could not make it: ${words}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Ends every process that works in a folder: servers, their children, and what copies files there. */
async function endAllOn(folder: string): Promise<void> {
  const title = `postgres: ${clusterName(join(folder, 'data'))}: `;
  const isOne = (pid: number): boolean => {
    const line = readIfThere(`/proc/${pid}/cmdline`);
    return (
      pid !== process.pid && (line.split('\0').some((word) => isIn(word, folder)) || line.startsWith(title))
    );
  };
  const pids = processIds().filter(isOne);
  for (const pid of pids) killIfThere(pid, 'SIGKILL');
  for (let waited = 0; waited < GONE_MS && pids.some(isOne); waited += LOOK_EVERY_MS)
    await sleep(LOOK_EVERY_MS);
  await endOrphans(join(folder, 'data'));
}

function isIn(word: string, folder: string): boolean {
  return word === folder || word.startsWith(`${folder}/`);
}

function give({ uid, gid }: Owner, ...paths: readonly string[]): void {
  for (const path of paths) if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}
