/**
 * The gateway process. The only proxy file that chooses adapters, and the entry of both its threads: the relay's (main)
 * and the recorder's (worker).
 */
import { constants, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { lockFolder } from '#adapters/local/folder-lock.ts';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import { oidcTokenVerifier } from '#adapters/oidc/token-verifier.ts';
import { type Config, parseConfig, type Target } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { enter, policyLeaf } from '#core/ledger/leaves.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { HeldLease, type LeaseBook } from '#core/recording/leases.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { Gateway } from './gateway.ts';
import { jsonLog, type Log } from './log.ts';
import { postgresProtocol } from './protocols/postgres/postgres.ts';
import { keepLease } from './recorder/lease-keeper.ts';
import { custodyError, type FromRecorder, plainError } from './recorder/messages.ts';
import { keepSequencing } from './recorder/sequencing.ts';
import { recorderFailed, Tapes } from './recorder/tapes.ts';
import { serveRecorder } from './recorder/thread.ts';
import { streamBindings } from './wire/raw-end.ts';
import { RelayMemory } from './wire/relay-memory.ts';

interface Settings {
  readonly configFile: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly loginMs: number;
  readonly drainMs: number;
  /** How long this task may be unheard of before its sessions are taken over. */
  readonly leaseMs: number;
}

interface RecorderSettings {
  readonly dataDir: string;
  readonly task: string;
  /** The relay thread's performance.timeOrigin: both threads then read the same monotonic clock. */
  readonly timeOrigin: number;
  /** SHA-256 of the configuration file, and when it was written, milliseconds since 1970. */
  readonly policy: { readonly version: string; readonly changedAt: number };
  readonly leaseMs: number;
}

/** The last moment that a Date can name. */
const END_OF_TIME = new Date(8.64e15);
/** How long sessions may take to say goodbye when the process can record no more. */
const GOODBYE_MS = 3_000;
const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

if (isMainThread) await runGateway(readSettings(process.argv.slice(2)));
else await runRecorder(workerData as RecorderSettings).catch(sayCannotStart);

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1:7432' },
      'login-ms': { type: 'string', default: '10000' },
      'drain-ms': { type: 'string', default: '30000' },
      'lease-ms': { type: 'string', default: '15000' },
      'api-url': { type: 'string' },
    },
  });
  const dataDir = resolve(values['data-dir'] ?? '.custody');
  const { host, port } = parseListen(values.listen);
  return {
    configFile: resolve(values.config ?? join(dataDir, 'custody.yaml')),
    dataDir,
    host,
    port,
    loginMs: Number(values['login-ms']),
    drainMs: Number(values['drain-ms']),
    leaseMs: Number(values['lease-ms']),
  };
}

function parseListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':');
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) };
}

/** The relay's thread: config, recorder, listener, and an orderly end. */
async function runGateway(settings: Settings): Promise<void> {
  // Whoever reads the log may die first; sessions are drained all the same.
  process.stderr.on('error', () => undefined);
  const log = jsonLog(
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
  try {
    const policy = readConfig(settings.configFile);
    lockFolder(settings.dataDir);
    const task = randomUUID();
    const tapes = await startRecorder(
      {
        dataDir: settings.dataDir,
        task,
        timeOrigin: performance.timeOrigin,
        leaseMs: settings.leaseMs,
        policy: { version: policy.version, changedAt: Math.floor(statSync(settings.configFile).mtimeMs) },
      },
      log,
    );
    const gateway = createGateway(settings, policy, tapes, task, log);
    const server = await listen(settings, policy, gateway);
    drainOnRequest(settings, gateway, server, tapes, log);
    tapes.onDeath((error) => void abandon(error, gateway, server, log));
    process.send?.({ type: 'ready', postgres: { host: settings.host, port: settings.port } });
    log('listening', undefined, { host: settings.host, port: settings.port, task });
  } catch (thrown) {
    const error = asCustodyError(thrown);
    log('cannot-start', error, error.hint === undefined ? {} : { hint: error.hint });
    process.exit(1);
  }
}

/** Files that the config names are relative to it. */
function readConfig(file: string): Config {
  const base = dirname(file);
  const config = parseConfig(readFileSync(file, 'utf8'), file);
  const targets = [...config.targets.values()].map((target): [string, Target] => {
    const { credential, tls } = target;
    const passwordFile = resolve(base, credential.passwordFile);
    const caFile =
      tls.mode === 'disable' || tls.caFile === undefined ? {} : { caFile: resolve(base, tls.caFile) };
    return [
      target.name,
      { ...target, credential: { ...credential, passwordFile }, tls: { ...tls, ...caFile } },
    ];
  });
  return { ...config, targets: new Map(targets) };
}

/** The recorder's thread: seals what an earlier task left, then serves. */
async function runRecorder({ dataDir, task, timeOrigin, leaseMs, policy }: RecorderSettings): Promise<void> {
  const store = directoryStore(join(dataDir, 'store'));
  const signer = fileSigner(dataDir);
  const index = openSessionIndex(join(dataDir, 'index.sqlite'));
  const queue = localLeafQueue(dataDir);
  await enter(policyLeaf(policy.version, new Date(policy.changedAt)), queue);
  const journalDir = join(dataDir, 'journal');
  const leases = localLeases(dataDir);
  await fenceAll(leases);
  const remains = journalRemains(journalDir);
  const { sealed, failures } = await sealAbandoned(
    await remains.tails(),
    { store, signer, index, leaves: queue },
    new Date(),
  );
  await remains.clear(new Set(failures.map(({ session }) => session)));
  const journal = await openJournal(journalDir, task);
  const monotonic = (): number => performance.timeOrigin + performance.now() - timeOrigin;
  const lease = new HeldLease(leases, task, leaseMs, { monotonic, wall: () => new Date() });
  await keepLease(lease, leaseMs, {
    renewed: (untilMs) => parentPort!.postMessage({ kind: 'lease', untilMs } satisfies FromRecorder),
    lost: (error) =>
      parentPort!.postMessage({ kind: 'fenced', error: plainError(error) } satisfies FromRecorder),
  });
  serveRecorder(parentPort!, { sink: store, signer, journal, index, leaves: queue, lease }, monotonic);
  const sequencer = new Sequencer(
    { objects: store, head: localLedgerHead(dataDir), queue, signer },
    LOCAL_ORIGIN,
  );
  keepSequencing(sequencer, (thrown) => {
    const error = plainError(asCustodyError(thrown));
    parentPort!.postMessage({ kind: 'ledger-stalled', error } satisfies FromRecorder);
  });
  const unsealable = failures.map(({ session, error }) => ({ session, error: plainError(error) }));
  parentPort!.postMessage({ kind: 'ready', recovered: sealed, unsealable } satisfies FromRecorder);
}

/** The folder's lock is ours, so no earlier task of this folder runs: their leases need not run out first. */
async function fenceAll(leases: LeaseBook): Promise<void> {
  for (const lease of await leases.endedBefore(END_OF_TIME)) {
    await leases.fence(lease);
    await leases.forget(lease.task);
  }
}

/** An error that crosses threads by itself loses its code and its hint. */
function sayCannotStart(thrown: unknown): void {
  const error = plainError(asCustodyError(thrown));
  parentPort!.postMessage({ kind: 'cannot-start', error } satisfies FromRecorder);
}

/** Resolves when earlier sessions are sealed and new ones can be recorded. */
function startRecorder(settings: RecorderSettings, log: Log): Promise<Tapes> {
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: settings,
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const tapes = new Tapes(worker, () => performance.now());
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromRecorder) => {
      if (message.kind === 'ready') {
        if (message.recovered > 0) log('recovered', undefined, { sessions: message.recovered });
        for (const { session, error } of message.unsealable)
          log('seal-failed', custodyError(error), { session });
        resolve(tapes);
      } else if (message.kind === 'cannot-start') reject(custodyError(message.error));
      else if (message.kind === 'stopped') void worker.terminate();
      else if (message.kind === 'ledger-stalled') log('ledger-stalled', custodyError(message.error));
      else tapes.receive(message);
    });
    worker.on('error', (error) => {
      tapes.die(recorderFailed(String(error)));
      reject(error);
    });
    worker.on('exit', () => tapes.die(recorderFailed('the recorder stopped')));
  });
}

function createGateway(settings: Settings, policy: Config, tapes: Tapes, task: string, log: Log): Gateway {
  const { issuer, audience, groupsClaim, jwksUri } = policy.identity;
  return new Gateway({
    policy,
    verifier: oidcTokenVerifier({
      issuer,
      audience,
      groupsClaim,
      ...(jwksUri === undefined ? {} : { jwksUri }),
      allowHttpLoopback: true,
    }),
    tapes,
    secretOf: readSecret,
    version: VERSION,
    task,
    loginMs: settings.loginMs,
    log,
    wallClock: () => new Date(),
  });
}

async function readSecret({ name, credential }: Target): Promise<string> {
  try {
    return (await readFile(credential.passwordFile, 'utf8')).trimEnd();
  } catch (cause) {
    throw new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
      hint: 'tell whoever runs the gateway',
      detail: `${credential.passwordFile} cannot be read`,
      cause,
    });
  }
}

function listen({ dataDir, host, port }: Settings, policy: Config, gateway: Gateway): Promise<Server> {
  const tls = createSecureContext({
    cert: readFileSync(join(dataDir, 'tls', 'gateway.pem')),
    key: readFileSync(join(dataDir, 'tls', 'gateway.key')),
    minVersion: 'TLSv1.2',
    // A TLS 1.2 peer that renegotiates makes us work without end (CVE-2011-1473).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
  const postgres = postgresProtocol({
    tls,
    issuer: policy.identity.issuer,
    memory: new RelayMemory(),
    bindings: streamBindings(),
  });
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) =>
    gateway.serve(postgres, socket),
  );
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)));
    server.listen({ port, host, backlog: 1024 }, () => resolve(server));
  });
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): CustodyError {
  const taken = cause.code === 'EADDRINUSE';
  return new CustodyError(
    'config-invalid',
    taken ? `port ${port} on ${host} is taken` : `cannot listen on ${host}:${port}: ${cause.message}`,
    { hint: taken ? 'stop what uses it, or choose another port' : 'choose another address', cause },
  );
}

/** Nothing can be recorded any more: sessions are told, and a supervisor starts a new task. */
async function abandon(error: CustodyError, gateway: Gateway, server: Server, log: Log): Promise<void> {
  log('abandoned', error, { sessions: gateway.sessions });
  setTimeout(() => process.exit(1), GOODBYE_MS);
  server.close();
  await gateway.drain(0);
  process.exit(1);
}

/** SIGTERM, or the supervisor gone: no new sessions; running ones end sealed, at the latest at the deadline. */
function drainOnRequest(settings: Settings, gateway: Gateway, server: Server, tapes: Tapes, log: Log): void {
  let draining = false;
  async function drain(cause: string): Promise<void> {
    if (draining) return;
    draining = true;
    log('draining', undefined, { cause, sessions: gateway.sessions, deadlineMs: settings.drainMs });
    server.close();
    await gateway.drain(settings.drainMs);
    tapes.stop();
    log('stopped');
    process.exitCode = 0;
    process.channel?.unref();
  }
  process.on('SIGTERM', () => void drain('SIGTERM'));
  process.on('SIGINT', () => void drain('SIGINT'));
  process.on('disconnect', () => void drain('supervisor gone'));
}
