import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { CertificateFiles } from '../setup/certificates.ts';
import { RestartLimit } from '../supervisor/restart-limit.ts';
import { KEPT_WAL, takeBaseCopy } from './base-copy.ts';
import { makeDemoDatabase } from './demo-database.ts';
import { type Owner, ownerForPostgres } from './owner.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { endOrphans } from './postgres-leftover.ts';
import { installCertificate, spawnPostgres, stopServer, untilReady } from './postgres-server.ts';

const READY_MS = 30_000;

export interface DemoPostgresOptions {
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
  /** Where the password of the role `app` is kept. */
  readonly passwordFile: string;
  readonly say: (line: string) => void;
  /** It died too often to be started again, or could not be. */
  readonly onGivenUp: (error: CustodyError) => void;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** The time, as the database has it; the machine's when not given. */
  readonly wallClock?: () => Date;
}

/**
 * The demo target: a real PostgreSQL with the database `orders`, owned by the role `app`, reachable on this machine
 * only and over TLS only. Made at the first start, kept afterwards, started again when it dies. Throws `config-invalid`
 * where it cannot run and `state-damaged` when its files are not whole.
 */
export async function startDemoPostgres(options: DemoPostgresOptions): Promise<DemoPostgres> {
  const postgres = new DemoPostgres(options);
  await postgres.start();
  return postgres;
}

export class DemoPostgres {
  readonly #options: DemoPostgresOptions;
  readonly #limit = new RestartLimit();
  #server: ChildProcess | undefined;
  #restarting: Promise<void> | undefined;
  #stopping = false;

  constructor(options: DemoPostgresOptions) {
    this.#options = options;
  }

  /** Of the server as it is now, also after it died. */
  get pid(): number {
    return this.#server!.pid!;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, port } = this.#options;
    const data = join(folder, 'data');
    const { bin, owner } = await prepare(this.#options, data);
    if (this.#stopping) return;
    const server = spawnPostgres({ bin, data, owner, port, settings: { wal_keep_size: KEPT_WAL } });
    this.#server = server;
    await untilReady(server, data, READY_MS).catch((cause: unknown) => {
      throw doesNotStart(folder, asCustodyError(cause));
    });
    server.once('exit', (code, signal) => this.#died(signal ?? `exit code ${code}`));
  }

  /** Ends its sessions and resolves when it has stopped; sessions get no time to finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#server !== undefined) await stopServer(this.#server);
    await this.#restarting;
  }

  #died(how: string): void {
    if (this.#stopping) return;
    const { say, now, onGivenUp } = this.#options;
    const times = this.#limit.died(now());
    if (times !== undefined) return onGivenUp(diedTooOften(times, how));
    say(`the demo PostgreSQL died (${how}); starting it again`);
    this.#restarting = this.start().then(
      () => {
        if (!this.#stopping) say(`the demo PostgreSQL is back as process ${this.pid}`);
      },
      (error: unknown) => {
        if (!this.#stopping) onGivenUp(asCustodyError(error));
      },
    );
  }
}

/** Everything that a server on the folder needs. */
async function prepare(
  options: DemoPostgresOptions,
  data: string,
): Promise<{ readonly bin: string; readonly owner: Owner }> {
  const { folder, passwordFile, say, wallClock = () => new Date() } = options;
  const bin = postgresBinaries();
  const owner = ownerForPostgres(folder, bin);
  if (!existsSync(data)) {
    say('making the demo database (at the first start only)');
    await makeDemoDatabase({ bin, folder, passwordFile, owner });
  }
  if (!existsSync(passwordFile)) throw passwordGone(options);
  installCertificate(options.certificate, data, owner);
  await endOrphans(data);
  await takeBaseCopy(folder, bin, owner, wallClock()).catch((error: unknown) =>
    say(`no sandbox of the demo database can be made: ${(error as Error).message}`),
  );
  return { bin, owner };
}

function doesNotStart(folder: string, cause: CustodyError): CustodyError {
  return new CustodyError('state-damaged', `the demo PostgreSQL does not start: ${cause.message}`, {
    hint: `if its files are damaged: remove ${folder} to have the demo database made anew`,
    cause,
  });
}

function diedTooOften(times: number, how: string): CustodyError {
  const why = `it died ${times} times within a minute, the last time of ${how}`;
  return new CustodyError('internal', `the demo PostgreSQL cannot run: ${why}`, {
    hint: 'is the machine short of memory or disk?',
  });
}

function passwordGone({ folder, passwordFile }: DemoPostgresOptions): CustodyError {
  return new CustodyError('state-damaged', `${passwordFile}, the demo database's password, is gone`, {
    hint: `restore it, or remove ${folder} to have the demo database made anew`,
  });
}
