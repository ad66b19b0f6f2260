/**
 * The gateway process. The only proxy file that chooses adapters, and the entry of both its threads: the relay's (main)
 * and the recorder's (worker).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import type { Config } from '#core/access/config.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { PolicyInForce, type RefusedConfig } from '#core/access/policy.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { PolicyTeller } from '#core/notify/policy-teller.ts';
import { countingAlarms } from '#core/notify/alarms.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { HeldLease } from '#core/recording/leases.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { Admission } from './admission.ts';
import { calmLog } from './calm-log.ts';
import { Certificate } from './certificate.ts';
import { descriptorLimit, limitsFor, openDescriptors } from './descriptors.ts';
import { Door } from './door.ts';
import { watchForDeadPeers } from './dead-peer-watch.ts';
import { Gateway } from './gateway.ts';
import { listen } from './listener.ts';
import { jsonLog, type Log } from './log.ts';
import { CancelKeys } from './protocols/postgres/cancel.ts';
import { Tally } from './tally.ts';
import { keepLease } from './recorder/lease-keeper.ts';
import { custodyError, type FromRecorder, plainError } from './recorder/messages.ts';
import { keepSealing } from './recorder/late-seals.ts';
import { keepSequencing } from './recorder/sequencing.ts';
import { recorderFailed, Tapes } from './recorder/tapes.ts';
import { serveRecorder } from './recorder/thread.ts';
import { LOOK_EVERY_MS, SessionWatch } from './session-watch.ts';
import { readSettings, type Settings } from './settings.ts';
import type { RecorderSurroundings, RelaySurroundings } from './surroundings.ts';

interface RecorderSettings {
  readonly dataDir: string;
  readonly task: string;
  /** The relay thread's performance.timeOrigin: both threads then read the same monotonic clock. */
  readonly timeOrigin: number;
  readonly leaseMs: number;
}

const timesOfLog = {
  now: () => performance.now(),
  later: (ms: number, work: () => void) => void setTimeout(work, ms).unref(),
};
/** How long sessions may take to say goodbye when the process can record no more. */
const GOODBYE_MS = 3_000;
const CERTIFICATE_EVERY_MS = 5 * 60_000;
const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

if (isMainThread) await runGateway(readSettings(process.argv.slice(2)));
else await runRecorder(workerData as RecorderSettings).catch(sayCannotStart);

/** The relay's thread: config, recorder, listener, and an orderly end. */
async function runGateway(settings: Settings): Promise<void> {
  // Whoever reads the log may die first; sessions are drained all the same.
  process.stderr.on('error', () => undefined);
  const tally = new Tally();
  const log = tally.counting(calmLog(writtenLog(), timesOfLog));
  try {
    const task = randomUUID();
    const surroundings = await relaySurroundings(settings, task);
    const policy = await policyInForce(surroundings);
    const { dataDir, leaseMs, loginMs } = settings;
    const tapes = await startRecorder({ dataDir, task, timeOrigin: performance.timeOrigin, leaseMs }, log);
    const openFiles = descriptorLimit();
    const limits = limitsFor(openFiles, openDescriptors(), settings.limits);
    const door = new Door(limits);
    const gateway = new Gateway({
      door,
      admission: createAdmission(settings, policy, surroundings, tally),
      tapes,
      secretOf: surroundings.secretOf,
      version: VERSION,
      task,
      loginMs,
      userTimeoutMs: settings.userTimeoutMs,
      log,
      wallClock: () => new Date(),
    });
    const keys = new CancelKeys(surroundings.cancelWishes);
    keepWatch(policy, surroundings, gateway, keys, log);
    watchForDeadPeers(() => gateway.sessions);
    const certificate = await Certificate.of(surroundings.certificate);
    watchCertificate(certificate, log);
    const server = await listen(
      {
        host: settings.host,
        port: settings.port,
        certificate,
        issuer: () => policy.config.identity.issuer,
        keys,
        rdsBundle: process.env['CUSTODY_RDS_CA'],
        onTrouble: (error) => log('accept-failed', error),
      },
      gateway,
    );
    drainOnRequest(settings, gateway, server, tapes, log);
    await surroundings.keepUp?.({
      sessions: () => gateway.sessions.size,
      draining: () => !server.listening,
      journalLagMs: () => tapes.lagMs,
      tally,
      log,
    });
    tapes.onDeath((error) => void abandon(error, gateway, server, log));
    process.send?.({ type: 'ready', postgres: { host: settings.host, port: settings.port } });
    log('listening', undefined, { host: settings.host, port: settings.port, task, openFiles, ...limits });
  } catch (thrown) {
    const error = asCustodyError(thrown);
    log('cannot-start', error, error.hint === undefined ? {} : { hint: error.hint });
    process.exit(1);
  }
}

function writtenLog(): Log {
  return jsonLog(
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
}

/** The recorder's thread: seals what an earlier task left where nobody else does, then serves. */
async function runRecorder({ dataDir, task, timeOrigin, leaseMs }: RecorderSettings): Promise<void> {
  const { ports, leases, earlier, sealEarlier, sequencer } = await recorderSurroundings(dataDir, task);
  const monotonic = (): number => performance.timeOrigin + performance.now() - timeOrigin;
  const lease = new HeldLease(leases, task, leaseMs, { monotonic, wall: () => new Date() });
  await keepLease(lease, leaseMs, {
    renewed: (untilMs) => say({ kind: 'lease', untilMs }),
    lost: (error) => say({ kind: 'fenced', error: plainError(error) }),
  });
  serveRecorder(parentPort!, { ...ports, lease }, monotonic);
  if (sequencer !== undefined) {
    keepSequencing(sequencer, (thrown) => {
      say({ kind: 'ledger-stalled', error: plainError(asCustodyError(thrown)) });
    });
  }
  if (sealEarlier !== undefined && earlier.failures.length > 0)
    keepSealing(sealEarlier, (sessions) => say({ kind: 'recovered-late', sessions }));
  const unsealable = earlier.failures.map(({ session, error }) => ({ session, error: plainError(error) }));
  say({ kind: 'ready', recovered: earlier.sealed, unsealable });
}

/** A task of the stack, or a laptop's gateway: neither loads what the other needs. */
async function relaySurroundings(settings: Settings, task: string): Promise<RelaySurroundings> {
  if (isOnAws()) return (await import('./on-aws.ts')).relayOnAws(process.env, task);
  return (await import('./on-laptop.ts')).relayOnLaptop(settings);
}

async function recorderSurroundings(dataDir: string, task: string): Promise<RecorderSurroundings> {
  if (isOnAws()) return (await import('./on-aws.ts')).recorderOnAws(process.env, task);
  return (await import('./on-laptop.ts')).recorderOnLaptop(dataDir, task);
}

function isOnAws(): boolean {
  return process.env['CUSTODY_BUCKET'] !== undefined;
}

function say(message: FromRecorder): void {
  parentPort!.postMessage(message);
}

/** An error that crosses threads by itself loses its code and its hint. */
function sayCannotStart(thrown: unknown): void {
  say({ kind: 'cannot-start', error: plainError(asCustodyError(thrown)) });
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
      else if (message.kind === 'sealed-late') log('session-sealed', undefined, lateFacts(message));
      else if (message.kind === 'recovered-late') log('recovered', undefined, { sessions: message.sessions });
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

function lateFacts({ session, outcome }: Extract<FromRecorder, { kind: 'sealed-late' }>) {
  return { session, reason: outcome.reason };
}

/** What is in force, and any change, counts once its leaf is queued and webhooks are to be told. */
async function policyInForce({ readConfig, leaves, deliveries }: RelaySurroundings): Promise<PolicyInForce> {
  let written = await readConfig();
  const told = new PolicyTeller(leaves, deliveries);
  const adopt = (config: Config): Promise<void> => told.tell(config, written.changedAt);
  await adopt(written.config);
  const read = async (): Promise<Config> => (written = await readConfig()).config;
  return new PolicyInForce(written.config, { read, adopt, now: () => new Date() });
}

/** Who may enter, by the configuration that is in force at the moment. */
function createAdmission(
  { apiUrl }: Settings,
  policy: PolicyInForce,
  { requests, leaves, deliveries }: RelaySurroundings,
  tally: Tally,
): Admission {
  const webhooks = new WebhookStream(() => policy.config.webhooks, deliveries);
  const stream = countingAlarms(webhooks, tally.alarm);
  const wallClock = (): Date => new Date();
  const newId = (now: Date): string => newSessionId(now.getTime(), randomBytes(10));
  return new Admission({
    policy,
    verifier: currentVerifier(() => policy.config.identity),
    failures: new TokenFailures(() => performance.now()),
    requests,
    desk: new AccessDesk({ requests, leaves, stream, now: wallClock, newId }),
    ...(apiUrl === undefined ? {} : { requestUrl: (id: string) => `${apiUrl}/v1/requests/${id}` }),
    wallClock,
    pause: (ms) => sleep(ms),
  });
}

/** Looks for a changed configuration, and twice a second after every session and for cancels from other tasks. */
function keepWatch(
  policy: PolicyInForce,
  { configEveryMs, watched, terminations }: RelaySurroundings,
  gateway: Gateway,
  keys: CancelKeys,
  log: Log,
): void {
  const watch = new SessionWatch({
    policy,
    requests: watched,
    terminations,
    sessions: () => gateway.sessions,
    wallClock: () => new Date(),
    monotonic: () => performance.now(),
    onTrouble: (error) => log('watch-failed', error),
  });
  setInterval(() => {
    watch.tick();
    keys.takeWishes().catch((error: unknown) => log('cancel-failed', asCustodyError(error)));
  }, LOOK_EVERY_MS).unref();
  setInterval(() => {
    policy.check().then(
      (news) => sayNews(news, log),
      (error: unknown) => log('config-refused', asCustodyError(error)),
    );
  }, configEveryMs).unref();
}

/** Renewed certificates are taken where they are: a new task would have to wait until old ones have no sessions. */
function watchCertificate(certificate: Certificate, log: Log): void {
  setInterval(() => {
    certificate.look().then(
      (renewed) => renewed && log('certificate-in-force'),
      (error: unknown) => log('certificate-refused', asCustodyError(error)),
    );
  }, CERTIFICATE_EVERY_MS).unref();
}

function sayNews(news: Config | RefusedConfig | undefined, log: Log): void {
  if (news === undefined) return;
  if ('version' in news) log('config-in-force', undefined, { policy: news.version });
  else log('config-refused', news.error);
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
