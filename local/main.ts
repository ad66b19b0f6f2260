/** npm start: the whole of Custody on one machine, with a demo identity provider and a demo database. */
import { mkdirSync, readFileSync } from 'node:fs';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import { asCustodyError } from '#core/errors.ts';
import type { LocalAddresses } from './addresses.ts';
import { startApi } from './api-server.ts';
import { localCertificates } from './certificates.ts';
import { demoConfig } from './demo-config.ts';
import { startDemoPostgres } from './demo-postgres.ts';
import { GatewayProcess } from './gateway-process.ts';
import { startDemoIssuer } from './issuer.ts';
import { dataFiles, type LocalSettings, readSettings } from './settings.ts';
import { welcome } from './welcome.ts';

/** What was started, to be stopped in the opposite order. */
class Running {
  readonly #stops: (() => Promise<void> | void)[] = [];
  #stopped: Promise<void> | undefined;

  add(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const running = new Running();
try {
  await main();
} catch (thrown) {
  await fail(thrown);
}

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  stopOnSignals();
  const addresses = await start(settings);
  process.stdout.write(settings.json ? `${JSON.stringify(addresses)}\n` : welcome(addresses));
}

/** Stores and keys, identity provider, database, API, and last the gateway. */
async function start(settings: LocalSettings): Promise<LocalAddresses> {
  const { dataDir, ports } = settings;
  const files = dataFiles(dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  createSignerKey(dataDir);
  fileSigner(dataDir);
  const config = demoConfig(files.config, settings);
  const catalog = openSessionIndex(files.index);
  running.add(() => catalog.close());
  const certificates = await localCertificates(files.tls, new Date());

  say('starting the demo identity provider');
  const issuer = await startDemoIssuer(dataDir, ports.issuer);
  running.add(() => issuer.close());

  say('starting the demo PostgreSQL');
  const database = await startDemoPostgres({
    folder: files.postgres,
    port: ports.database,
    certificate: certificates.database,
    passwordFile: files.password,
  });
  running.add(() => database.stop());

  say('starting the API and the gateway');
  const api = await startApi({
    port: ports.api,
    config,
    verifier: oidcTokenVerifier({ ...identityOptions(config.identity), allowHttpLoopback: true }),
    catalog,
    source: directoryStore(files.store),
    signerPem: readFileSync(files.signerPem, 'utf8'),
    gateway: { host: 'localhost', port: ports.gateway, caPem: readFileSync(certificates.ca, 'utf8') },
    now: () => new Date(),
  });
  running.add(() => api.close());
  const gateway = new GatewayProcess({
    config: files.config,
    dataDir,
    port: ports.gateway,
    drainMs: settings.drainMs,
    say,
    onGivenUp: (error) => void fail(error),
    now: () => performance.now(),
  });
  running.add(() => gateway.stop());
  await gateway.start();
  return {
    issuer: issuer.url,
    api: api.url,
    postgres: { host: 'localhost', port: ports.gateway },
    database: { host: '127.0.0.1', port: ports.database },
    dataDir,
    config: files.config,
    ca: certificates.ca,
    signer: files.signerPem,
    pids: { supervisor: process.pid, gateway: gateway.pid!, database: database.pid },
  };
}

function identityOptions({ jwksUri, ...identity }: ReturnType<typeof demoConfig>['identity']) {
  return { ...identity, ...(jwksUri === undefined ? {} : { jwksUri }) };
}

function stopOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      say(`stopping (${signal}): sessions get a moment to finish`);
      void running.stop().then(() => process.exit(0));
    });
  }
  // Only where a program started us with an IPC channel: without it, nobody would stop us.
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

/** One clear error, and nothing left running. */
async function fail(thrown: unknown): Promise<never> {
  const error = asCustodyError(thrown);
  say(`custody: ${error.message}`);
  if (error.hint !== undefined) say(`  hint: ${error.hint}`);
  if (error.code === 'internal' && error.detail !== undefined) say(error.detail);
  await running.stop();
  process.exit(1);
}
