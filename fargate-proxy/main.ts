/**
 * The gateway process. The only proxy file that chooses adapters, and the entry of both its threads: the relay's (main)
 * and the recorder's (worker).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { deviceLogins } from '#adapters/oidc/device-logins.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import type { Config } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
import { asCustodyError } from '#core/errors.ts';
import { listedNow, withGroups } from '#core/identity/added-groups.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import {
  directoryGroups,
  withDirectoryGroups,
  withGroupsOfNow,
} from '#core/identity/scim/groups-verifier.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { PolicyTeller } from '#core/notify/policy-teller.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { HeldLease } from '#core/recording/leases.ts';
import { RefusalCounter } from '#core/status/refusals.ts';
import { Admission } from './admission.ts';
import { calmLog } from './calm-log.ts';
import { Certificate } from './certificate.ts';
import { watchForDeadPeers } from './dead-peer-watch.ts';
import { descriptorLimit, limitsFor, openDescriptors } from './descriptors.ts';
import { type Desks, desksOf } from './desks.ts';
import { Door } from './door.ts';
import { doorwaysOf, userCasOf } from './doorways.ts';
import { abandon, drainOnRequest } from './endings.ts';
import { Gateway } from './gateway.ts';
import { listen } from './listener.ts';
import { jsonLog, type Log } from './log.ts';
import { CancelKeys } from './protocols/postgres/cancel.ts';
import { keepTelling } from './pulse.ts';
import { keepSealing } from './recorder/late-seals.ts';
import { keepLease } from './recorder/lease-keeper.ts';
import { type FromRecorder, plainError } from './recorder/messages.ts';
import { keepSequencing } from './recorder/sequencing.ts';
import { type RecorderSettings, startRecorder } from './recorder/start.ts';
import { serveRecorder } from './recorder/thread.ts';
import { readSettings, type Settings } from './settings.ts';
import type { RecorderSurroundings, RelaySurroundings } from './surroundings.ts';
import { Tally } from './tally.ts';
import { WaitingRoom } from './waiting-room.ts';
import { keepWatch, sayWarnings, watchCertificate, watchIssuers } from './watches.ts';

const timesOfLog = {
  now: () => performance.now(),
  later: (ms: number, work: () => void) => void setTimeout(work, ms).unref(),
};
const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

if (isMainThread) await runGateway(readSettings(process.argv.slice(2), process.env));
else await runRecorder(workerData as RecorderSettings).catch(sayCannotStart);

/** The relay's thread, which says so if it cannot start. */
async function runGateway(settings: Settings): Promise<void> {
  // Whoever reads the log may die first; sessions are drained all the same.
  process.stderr.on('error', () => undefined);
  const tally = new Tally();
  const log = tally.counting(calmLog(writtenLog(), timesOfLog));
  try {
    await startGateway(settings, tally, log);
  } catch (thrown) {
    const error = asCustodyError(thrown);
    log('cannot-start', error, error.hint === undefined ? {} : { hint: error.hint });
    process.exit(1);
  }
}

/** Config, recorder, listener, and an orderly end. */
async function startGateway(settings: Settings, tally: Tally, log: Log): Promise<void> {
  const task = randomUUID();
  const surroundings = await relaySurroundings(settings, task);
  const policy = await policyInForce(surroundings);
  const keyring = new Keyring();
  const verifier = currentVerifier(() => policy.config.issuers, keyring);
  const identities = withDirectories(verifier, policy, surroundings, log);
  const { dataDir, leaseMs, sequenceMs, loginMs } = settings;
  const recorder = { dataDir, task, timeOrigin: performance.timeOrigin, leaseMs, sequenceMs };
  const tapes = await startRecorder(new URL(import.meta.url), recorder, log);
  const openFiles = descriptorLimit();
  const limits = limitsFor(openFiles, openDescriptors(), settings.limits);
  const waitingRoom = new WaitingRoom();
  const refusals = new RefusalCounter('gateway', () => new Date());
  const userCas = await userCasOf(settings, surroundings);
  const requestUrl = requestUrlAt(settings);
  const desks = desksOf({ policy, surroundings, tally, waitingRoom, requestUrl });
  const gateway = new Gateway({
    door: new Door(limits),
    admission: createAdmission({ policy, desks, waitingRoom, requestUrl, refusals }, surroundings, {
      identities,
      userCas,
    }),
    tasks: desks.tasks,
    waitingRoom,
    moderation: {
      ...{ presence: surroundings.presence, stream: desks.stream },
      ...{ wallClock: () => new Date(), pause: (ms) => sleep(ms) },
    },
    tapes,
    secretOf: surroundings.secretOf,
    sandboxes: surroundings.sandboxes,
    version: VERSION,
    task,
    loginMs,
    userTimeoutMs: settings.userTimeoutMs,
    log,
    wallClock: () => new Date(),
  });
  const keys = new CancelKeys(surroundings.cancelWishes);
  keepWatch(policy, surroundings, gateway, keys, log);
  watchIssuers(verifier, keyring, log);
  watchForDeadPeers(() => gateway.sessions);
  const certificate = await Certificate.of(surroundings.certificate);
  watchCertificate(certificate, log);
  const doorways = await doorwaysOf({
    settings,
    surroundings,
    policy,
    certificate,
    keys,
    stream: desks.stream,
    userCas,
    deviceLogins: deviceLogins(
      () => policy.config.issuers,
      () => Date.now(),
    ),
    rdsBundle: process.env['CUSTODY_RDS_CA'],
  });
  const listeners = await listen(doorways, gateway, (error) => log('accept-failed', error));
  drainOnRequest(settings, gateway, listeners, tapes, log);
  await surroundings.keepUp?.({
    sessions: () => gateway.sessions.size,
    draining: () => !listeners.listening,
    journalLagMs: () => tapes.lagMs,
    certificateEnds: () => certificate.ends,
    tally,
    log,
  });
  keepTelling(surroundings.pulses, {
    ...{ task, version: VERSION, refusals, log },
    sessions: () => gateway.sessions.size,
    journalLagMs: () => tapes.lagMs,
  });
  tapes.onDeath((error) => void abandon(error, gateway, listeners, log));
  const spoken = doorways.map(({ protocol, host, port }) => [protocol.name, { host, port }] as const);
  process.send?.({ type: 'ready', ...Object.fromEntries(spoken) });
  sayWarnings(policy.config, log);
  log('listening', undefined, {
    host: settings.host,
    port: settings.port,
    ...(settings.sshPort === undefined ? {} : { sshPort: settings.sshPort }),
    task,
    openFiles,
    ...limits,
  });
}

function writtenLog(): Log {
  return jsonLog(
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
}

/** The recorder's thread: seals what an earlier task left where nobody else does, then serves. */
async function runRecorder({
  dataDir,
  task,
  timeOrigin,
  leaseMs,
  sequenceMs,
}: RecorderSettings): Promise<void> {
  const { ports, leases, earlier, sealEarlier, sequencer } = await recorderSurroundings(dataDir, task);
  const monotonic = (): number => performance.timeOrigin + performance.now() - timeOrigin;
  const lease = new HeldLease(leases, task, leaseMs, { monotonic, wall: () => new Date() });
  await keepLease(lease, leaseMs, {
    renewed: (untilMs) => say({ kind: 'lease', untilMs }),
    lost: (error) => say({ kind: 'fenced', error: plainError(error) }),
  });
  serveRecorder(parentPort!, { ...ports, lease }, monotonic);
  if (sequencer !== undefined) {
    keepSequencing(sequencer, sequenceMs, (thrown) => {
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
  if (isOnAws()) return (await import('./on-aws.ts')).relayOnAws(process.env, task, settings.configMs);
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

/** What is in force, and any change, counts once its leaf is queued and webhooks are to be told. */
async function policyInForce({ readConfig, leaves, deliveries }: RelaySurroundings): Promise<PolicyInForce> {
  let written = await readConfig();
  const told = new PolicyTeller(leaves, deliveries);
  const adopt = (config: Config): Promise<void> => told.tell(config, written.changedAt);
  await adopt(written.config);
  const read = async (): Promise<Config> => (written = await readConfig()).config;
  return new PolicyInForce(written.config, { read, adopt, now: () => new Date() });
}

/** Whoever vouches for people. */
interface Identities {
  readonly identities: () => TokenVerifier;
  readonly userCas: readonly SshPublicKey[];
}

interface Entrance {
  readonly policy: PolicyInForce;
  readonly desks: Desks;
  readonly waitingRoom: WaitingRoom;
  readonly requestUrl: ((id: string) => string) | undefined;
  readonly refusals: RefusalCounter;
}

/** Who may enter, by the configuration that is in force at the moment. */
function createAdmission(
  { policy, desks, waitingRoom, requestUrl, refusals }: Entrance,
  { requests, runs, logouts, devices, directory }: RelaySurroundings,
  { identities, userCas }: Identities,
): Admission {
  const wallClock = (): Date => new Date();
  const known = { policy: () => policy.config, store: directory };
  const groups = directoryGroups(known);
  const certificates = certificateVerifier({ cas: () => userCas, policy: known.policy, now: wallClock });
  const listed = listedNow(() => policy.config.issuers);
  return new Admission({
    policy,
    verifier: () => withDirectoryGroups(identities(), groups),
    ...(userCas.length === 0 ? {} : { certificates: withGroupsOfNow(certificates, listed, groups) }),
    standing: toldStanding({ ...known, logouts, devices }),
    failures: new TokenFailures(() => performance.now()),
    refusals,
    devices,
    requests,
    desk: desks.access,
    runs,
    ...(requestUrl === undefined ? {} : { requestUrl }),
    wallClock,
    pause: (ms) => sleep(ms),
    waitingRoom,
  });
}

function requestUrlAt({ apiUrl }: Settings): ((id: string) => string) | undefined {
  return apiUrl === undefined ? undefined : (id) => `${apiUrl}/v1/requests/${id}`;
}

/** Groups by the directories that the configuration names now. */
function withDirectories(
  verifier: () => TokenVerifier,
  policy: PolicyInForce,
  { directorySecret }: RelaySurroundings,
  log: Log,
): () => TokenVerifier {
  const directoryOf = currentDirectories({
    readSecret: directorySecret,
    wallClock: () => new Date(),
    onTrouble: (error, issuer) => log('directory-failed', error, { issuer }),
  });
  return withGroups(verifier, () => policy.config.issuers, directoryOf);
}
