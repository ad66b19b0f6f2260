/** One gateway process: a task with its sessions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { deviceLogins } from '#adapters/oidc/device-logins.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import type { Config } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
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
import { RefusalCounter } from '#core/status/refusals.ts';
import { Admission } from './admission.ts';
import { afterwards } from './afterwards.ts';
import { Certificate } from './certificate.ts';
import { watchForDeadPeers } from './dead-peer-watch.ts';
import {
  type AskedLimits,
  descriptorLimit,
  limitsFor,
  openDescriptors,
  USUAL_LIMITS,
} from './descriptors.ts';
import { type Desks, desksOf } from './desks.ts';
import { Door, type DoorLimits } from './door.ts';
import { doorwaysOf, userCasOf } from './doorways.ts';
import { abandon, drainOnRequest } from './endings.ts';
import { placesSaid } from './entries.ts';
import { Gateway } from './gateway.ts';
import { type Doorway, listen } from './listener.ts';
import type { Log } from './log.ts';
import { childWork } from './processes/child-work.ts';
import { Handed } from './processes/handed.ts';
import { limitsShare, shareOf } from './processes/share.ts';
import { Siblings } from './processes/siblings.ts';
import { CancelKeys } from './protocols/postgres/cancel.ts';
import { keepTelling } from './pulse.ts';
import { startRecorder } from './recorder/start.ts';
import type { Settings } from './settings.ts';
import type { RelaySurroundings } from './surroundings.ts';
import type { Tally } from './tally.ts';
import { WAITING_MAX, WaitingRoom } from './waiting-room.ts';
import { keepWatch, sayWarnings, watchCertificate, watchIssuers } from './watches.ts';

export interface GatewayParts {
  readonly settings: Settings;
  readonly task: string;
  readonly surroundings: RelaySurroundings;
  /** The program of threads. */
  readonly entry: URL;
  readonly version: string;
  readonly tally: Tally;
  readonly log: Log;
}

/** Config, recorder, listener, and an orderly end. */
export async function startGateway(parts: GatewayParts): Promise<void> {
  const { settings, task, surroundings, entry, version, tally, log } = parts;
  const { child } = settings;
  // From here on whoever takes the folder waits for this process; where its parent died before, somebody may have taken it already.
  if (child !== undefined && process.ppid !== child.parent) return process.exit(1);
  const policy = await policyInForce(surroundings);
  const keyring = new Keyring();
  const verifier = currentVerifier(() => policy.config.issuers, keyring);
  const identities = withDirectories(verifier, policy, surroundings, log);
  const { dataDir, leaseMs, sequenceMs, loginMs } = settings;
  const isChild = child !== undefined;
  const recorder = { dataDir, task, timeOrigin: performance.timeOrigin, leaseMs, sequenceMs, isChild };
  const tapes = await startRecorder(entry, recorder, log);
  const openFiles = descriptorLimit();
  const limits = limitsFor(openFiles, openDescriptors(), limitsOf(settings));
  const waitingRoom = new WaitingRoom(child && shareOf(WAITING_MAX, child));
  const handed = new Handed(process);
  const siblings = child && new Siblings(child, (note) => handed.tell(note), afterwards);
  const failures = new TokenFailures(() => performance.now(), undefined, siblings);
  const door = new Door(limits, sessionsInAll(settings, limits));
  const refusals = new RefusalCounter('gateway', () => new Date());
  const userCas = await userCasOf(settings, surroundings);
  const requestUrl = requestUrlAt(settings);
  const desks = desksOf({ policy, surroundings, tally, waitingRoom, requestUrl });
  const gateway = new Gateway({
    door,
    admission: createAdmission({ policy, desks, waitingRoom, requestUrl, refusals, failures }, surroundings, {
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
    version,
    task,
    loginMs,
    userTimeoutMs: settings.userTimeoutMs,
    log,
    wallClock: () => new Date(),
  });
  const keys = new CancelKeys(surroundings.cancelWishes, undefined, siblings);
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
  const doors = isChild ? handed : await listen(doorways, gateway, (error) => log('accept-failed', error));
  const drain = drainOnRequest(settings, gateway, doors, tapes, log);
  // Nobody would ever say that it is to end.
  if (isChild && !process.connected) return process.exit(1);
  const about = {
    sessions: () => gateway.sessions.size,
    journalLagMs: () => tapes.lagMs,
    certificateEnds: () => certificate.ends,
    tally,
  };
  if (!isChild) await surroundings.keepUp?.({ ...about, draining: () => !doors.listening, log });
  keepTelling(surroundings.pulses, { ...{ task, version, refusals, log }, ...about });
  tapes.onDeath((error) => void abandon(error, gateway, doors, log));
  if (siblings === undefined) sayReady(doorways);
  else handed.begin(childWork({ gateway, doorways, door, limits, siblings, keys, failures, about, drain }));
  sayWarnings(policy.config, log);
  const where = isChild ? { pid: process.pid } : placesSaid(settings);
  log(isChild ? 'serving' : 'listening', undefined, { ...where, task, openFiles, ...limits });
}

/** For whoever started this process. */
function sayReady(doorways: readonly Doorway[]): void {
  const spoken = doorways.map(({ protocol, host, port }) => [protocol.name, { host, port }] as const);
  process.send?.({ type: 'ready', ...Object.fromEntries(spoken) });
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
  readonly failures: TokenFailures;
}

/** Who may enter, by the configuration that is in force at the moment. */
function createAdmission(
  { policy, desks, waitingRoom, requestUrl, refusals, failures }: Entrance,
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
    failures,
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

/** Of what all processes may have together, what this one may. */
function limitsOf({ limits, child }: Settings): AskedLimits {
  return child === undefined ? limits : limitsShare(limits, USUAL_LIMITS, child);
}

/** What a client is told that finds no room: descriptors may have left this process less than its share. */
function sessionsInAll({ limits: { sessions: asked }, child }: Settings, { sessions }: DoorLimits): number {
  if (child === undefined) return sessions;
  return asked !== undefined && sessions === shareOf(asked, child) ? asked : sessions * child.of;
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
