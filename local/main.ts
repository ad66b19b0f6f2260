/** npm start: the whole of Custody on one machine, with a demo identity provider and a demo database. */
import { readFileSync } from 'node:fs';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { escapeLines } from '#core/replay/text.ts';
import { startControlPlane } from './api/control-plane.ts';
import { startDemoPostgres } from './database/demo-postgres.ts';
import { ownerForPostgres } from './database/owner.ts';
import { postgresBinaries } from './database/postgres-binaries.ts';
import { stopLeftover } from './database/postgres-leftover.ts';
import { SandboxDatabases } from './database/sandbox-databases.ts';
import { startDemoIssuer } from './issuer/issuer.ts';
import { clusterAddresses, demoKubernetes, kubernetesPart, refuseWithout } from './kubernetes/demo.ts';
import type { LocalAddresses } from './setup/addresses.ts';
import { localCertificates } from './setup/certificates.ts';
import { demoConfig } from './setup/demo-config.ts';
import { useDataFolder, waitForEarlierGateway } from './setup/folder-use.ts';
import { refuseTakenPorts } from './setup/ports.ts';
import { dataFiles, type LocalSettings, readSettings } from './setup/settings.ts';
import { welcome } from './setup/welcome.ts';
import { prepareDemoSsh, sshdConfig } from './ssh/demo-files.ts';
import { type DemoLogin, demoLogin } from './ssh/demo-login.ts';
import { type DemoSshd, endLeftover, startDemoSshd } from './ssh/demo-sshd.ts';
import { GatewayProcess } from './supervisor/gateway-process.ts';
import { Running } from './supervisor/running.ts';

/** A line may quote what a client sent. */
const say = (line: string): void => void process.stderr.write(`${escapeLines(line)}\n`);
const WEB = 'web-1';
const running = new Running();
let failed = false;

process.umask(0o077);
const starting = main();
starting.catch(fail);
stopOnSignals();

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  await claim(settings);
  const addresses = await start(settings);
  process.stdout.write(
    settings.json ? `${JSON.stringify(addresses)}\n` : welcome(addresses, settings, process.cwd()),
  );
}

/** Nobody else on the folder or the ports, before anything is written or started. */
async function claim({ dataDir, drainMs, ports, ...settings }: LocalSettings): Promise<void> {
  const use = useDataFolder(dataDir);
  await running.add(() => use.release());
  await waitForEarlierGateway(dataDir, drainMs, say);
  await stopLeftover(dataFiles(dataDir).postgres);
  await endLeftover(sshdConfig(dataFiles(dataDir).web.folder));
  await refuseTakenPorts({ ports, ...settings });
}

/** Keys and config, identity provider, database, API, and last the gateway. */
async function start(settings: LocalSettings): Promise<LocalAddresses> {
  const { dataDir, ports } = settings;
  const files = dataFiles(dataDir);
  createSignerKey(dataDir);
  fileSigner(dataDir); // throws when the key is damaged
  const login = wantedLogin(settings);
  const hostKey = login === undefined ? undefined : prepareDemoSsh(files.web, login.owner);
  const web = login === undefined || hostKey === undefined ? undefined : { login: login.user, hostKey };
  const cluster = demoKubernetes(settings);
  const config = demoConfig(files.config, settings, web, cluster);
  refuseWithout(config, cluster);
  const certificates = await localCertificates(files.tls, new Date());

  say('starting the demo identity provider');
  const issuer = await startDemoIssuer(dataDir, ports.issuer);
  await running.add(() => issuer.close());

  say('starting the demo PostgreSQL');
  const database = await startDemoPostgres({
    folder: files.postgres,
    port: ports.database,
    certificate: certificates.database,
    passwordFile: files.password,
    say,
    onGivenUp: (error) => void fail(error),
    now: () => performance.now(),
  });
  await running.add(() => database.stop());

  const sshd = config.targets.has(WEB) ? await startWeb(settings, login) : undefined;

  say('starting the API and the gateway');
  const address = { host: 'localhost', port: ports.gateway, caPem: readFileSync(certificates.ca, 'utf8') };
  const ssh = { host: 'localhost', port: ports.ssh };
  const sandboxes = new SandboxDatabases({
    folder: files.postgres,
    port: ports.database,
    certificate: certificates.database,
    caFile: certificates.ca,
    passwordFile: files.password,
  });
  await running.add(() => sandboxes.stop());
  const kubernetes = kubernetesPart(config, address, ports);
  const place = {
    dataDir,
    port: ports.api,
    configMs: settings.configMs,
    gateway: address,
    ssh,
    ...kubernetes,
  };
  const api = await startControlPlane({ ...place, sandboxes, say }, running);
  const gateway = await startGateway(settings, files.config, api.url, kubernetes.kubernetes?.port);
  return {
    issuer: issuer.url,
    api: api.url,
    console: api.url,
    postgres: { host: 'localhost', port: ports.gateway },
    database: { host: '127.0.0.1', port: ports.database },
    ssh,
    ...clusterAddresses(kubernetes, cluster),
    ...(sshd === undefined ? {} : { web: { host: '127.0.0.1', port: ports.sshTarget, login: login!.user } }),
    dataDir,
    config: files.config,
    ca: certificates.ca,
    signer: files.signerPem,
    pids: {
      ...{ supervisor: process.pid, gateway: gateway.pid!, database: database.pid },
      ...(sshd === undefined ? {} : { web: sshd.pid }),
    },
  };
}

/** Undefined where the demo SSH server is not wanted, or this machine cannot have it; then that is said. */
function wantedLogin({ demoSsh, dataDir }: LocalSettings): DemoLogin | undefined {
  if (!demoSsh) return undefined;
  const login = demoLogin(ownerForPostgres(dataFiles(dataDir).postgres, postgresBinaries()));
  if (!('leftOut' in login)) return login;
  say(`${WEB}, the demo SSH server, is left out: ${login.leftOut}`);
  return undefined;
}

async function startWeb(
  { dataDir, ports }: LocalSettings,
  login: DemoLogin | undefined,
): Promise<DemoSshd | undefined> {
  if (login === undefined) return undefined;
  say('starting the demo SSH server');
  const sshd = await startDemoSshd({
    folder: dataFiles(dataDir).web.folder,
    port: ports.sshTarget,
    login,
    say,
    onGivenUp: (error) => void fail(error),
    now: () => performance.now(),
  });
  await running.add(() => sshd.stop());
  return sshd;
}

async function startGateway(
  { dataDir, ports, drainMs, processes, configMs, sequenceMs }: LocalSettings,
  config: string,
  apiUrl: string,
  kubernetesPort: number | undefined,
): Promise<GatewayProcess> {
  const gateway = new GatewayProcess({
    config,
    dataDir,
    apiUrl,
    port: ports.gateway,
    sshPort: ports.ssh,
    ...(kubernetesPort === undefined ? {} : { kubernetesPort }),
    drainMs,
    processes,
    configMs,
    sequenceMs,
    say,
    onGivenUp: (error) => void fail(error),
    now: () => performance.now(),
  });
  await running.add(() => gateway.stop());
  await gateway.start();
  return gateway;
}

function stopOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  // Only where a program started us with an IPC channel: without it, nobody would stop us.
  process.on('disconnect', () => void stop('nobody is there any more'));
  process.on('uncaughtException', (error) => void fail(error));
  // A terminal that was closed takes no more lines; that must not cut the stopping short.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** A start that is under way stops at its next step. */
async function stop(why: string): Promise<void> {
  if (!running.isStopping) say(`stopping (${why}): running sessions get a moment to finish`);
  await running.stop();
  await starting.catch(() => undefined);
  process.exit(failed ? 1 : 0);
}

/** One clear error, and nothing left running. */
async function fail(thrown: unknown): Promise<void> {
  if (running.isStopping) return;
  failed = true;
  const error = explain(thrown);
  say(`custody: ${error.message}`);
  if (error.hint !== undefined) say(`  hint: ${error.hint}`);
  if (error.code === 'internal' && error.detail !== undefined) say(error.detail);
  await running.stop();
  process.exit(1);
}

/** A file that cannot be read or written is for the person to look at, not an error of ours. */
function explain(thrown: unknown): CustodyError {
  const { code, path, message } = thrown as NodeJS.ErrnoException;
  if (thrown instanceof CustodyError || code === undefined || path === undefined)
    return asCustodyError(thrown);
  return new CustodyError('state-damaged', message, {
    hint: 'see whether the file belongs to you and the disk has room, or choose another folder with --data-dir',
    cause: thrown,
  });
}
