/**
 * The gateway process. The only proxy file that chooses adapters, and the entry of both its threads: the relay's (main)
 * and the recorder's (worker).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type AccessStore, localAccessStore } from '#adapters/local/access-store.ts';
import { readConfigFile } from '#adapters/local/config-file.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { lockFolder } from '#adapters/local/folder-lock.ts';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import type { Config, Target } from '#core/access/config.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { PolicyInForce, type RefusedConfig } from '#core/access/policy.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { enter, type LeafSink, policyLeaf } from '#core/ledger/leaves.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { HeldLease, type LeaseBook } from '#core/recording/leases.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { Admission } from './admission.ts';
import { Gateway } from './gateway.ts';
import { listen } from './listener.ts';
import { jsonLog, type Log } from './log.ts';
import { keepLease } from './recorder/lease-keeper.ts';
import { custodyError, type FromRecorder, plainError } from './recorder/messages.ts';
import { keepSequencing } from './recorder/sequencing.ts';
import { recorderFailed, Tapes } from './recorder/tapes.ts';
import { serveRecorder } from './recorder/thread.ts';
import { LOOK_EVERY_MS, SessionWatch } from './session-watch.ts';
import { readSettings, type Settings } from './settings.ts';

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
const CONFIG_EVERY_MS = 1_000;
const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

if (isMainThread) await runGateway(readSettings(process.argv.slice(2)));
else await runRecorder(workerData as RecorderSettings).catch(sayCannotStart);

/** The relay's thread: config, recorder, listener, and an orderly end. */
async function runGateway(settings: Settings): Promise<void> {
  // Whoever reads the log may die first; sessions are drained all the same.
  process.stderr.on('error', () => undefined);
  const log = jsonLog(
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
  try {
    const config = readConfigFile(settings.configFile);
    lockFolder(settings.dataDir);
    const task = randomUUID();
    const tapes = await startRecorder(
      {
        dataDir: settings.dataDir,
        task,
        timeOrigin: performance.timeOrigin,
        leaseMs: settings.leaseMs,
        policy: { version: config.version, changedAt: Math.floor(statSync(settings.configFile).mtimeMs) },
      },
      log,
    );
    const store = localAccessStore(settings.dataDir);
    const leaves = localLeafQueue(settings.dataDir);
    const policy = policyInForce(settings.configFile, config, leaves);
    const admission = createAdmission(settings, policy, store, leaves);
    const { loginMs } = settings;
    const wallClock = (): Date => new Date();
    const gateway = new Gateway({
      admission,
      tapes,
      secretOf: readSecret,
      version: VERSION,
      task,
      loginMs,
      log,
      wallClock,
    });
    keepWatch(policy, store, gateway, log);
    const server = await listen(settings, () => policy.config.identity.issuer, gateway);
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

/** A changed configuration counts once its leaf is queued. */
function policyInForce(file: string, config: Config, leaves: LeafSink): PolicyInForce {
  return new PolicyInForce(config, {
    read: async () => readConfigFile(file),
    adopt: ({ version }) => enter(policyLeaf(version, new Date(Math.floor(statSync(file).mtimeMs))), leaves),
    now: () => new Date(),
  });
}

/** Who may enter, by the configuration that is in force at the moment. */
function createAdmission(
  settings: Settings,
  policy: PolicyInForce,
  store: AccessStore,
  leaves: LeafSink,
): Admission {
  const { dataDir, apiUrl } = settings;
  const stream = new WebhookStream(() => policy.config.webhooks, localDeliveries(dataDir));
  const wallClock = (): Date => new Date();
  const newId = (now: Date): string => newSessionId(now.getTime(), randomBytes(10));
  return new Admission({
    policy,
    verifier: currentVerifier(() => policy.config.identity),
    failures: new TokenFailures(() => performance.now()),
    requests: store,
    desk: new AccessDesk({ requests: store, leaves, stream, now: wallClock, newId }),
    ...(apiUrl === undefined ? {} : { requestUrl: (id: string) => `${apiUrl}/v1/requests/${id}` }),
    wallClock,
    pause: (ms) => sleep(ms),
  });
}

/** Looks for a changed configuration every second, and after every session twice a second. */
function keepWatch(policy: PolicyInForce, store: AccessStore, gateway: Gateway, log: Log): void {
  const watch = new SessionWatch({
    policy,
    requests: store,
    terminations: store,
    sessions: () => gateway.sessions,
    wallClock: () => new Date(),
    monotonic: () => performance.now(),
    onTrouble: (error) => log('watch-failed', error),
  });
  setInterval(() => watch.tick(), LOOK_EVERY_MS).unref();
  setInterval(() => {
    policy.check().then(
      (news) => sayNews(news, log),
      (error: unknown) => log('config-refused', asCustodyError(error)),
    );
  }, CONFIG_EVERY_MS).unref();
}

function sayNews(news: Config | RefusedConfig | undefined, log: Log): void {
  if (news === undefined) return;
  if ('version' in news) log('config-in-force', undefined, { policy: news.version });
  else log('config-refused', news.error);
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

/** Nothing can be recorded any more: sessions are told, and a supervisor starts a new task. */
async function abandon(error: CustodyError, gateway: Gateway, server: Server, log: Log): Promise<void> {
  log('abandoned', error, { sessions: gateway.sessions.size });
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
    log('draining', undefined, { cause, sessions: gateway.sessions.size, deadlineMs: settings.drainMs });
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
