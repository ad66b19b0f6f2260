import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentDirectories } from '#adapters/directory/current-directories.ts';
import { localJournalTails } from '#adapters/local/journal-tail.ts';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { readConfigFile } from '#adapters/local/config-file.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { type LocalScim, localScim } from '#adapters/local/scim-directory.ts';
import { readDirectorySecret } from '#adapters/local/secret-file.ts';
import { localSandboxes } from '#adapters/local/sandboxes.ts';
import { openSearch } from '#adapters/local/search/search.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { openUnindexedSessions } from '#adapters/local/unindexed-sessions.ts';
import { caKeys, createSshCas, userCa } from '#adapters/local/ssh/cas.ts';
import { localCertificates } from '#adapters/local/ssh/certificates.ts';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { logoutVerifiers } from '#adapters/oidc/logout-verifier.ts';
import { webhookPost } from '#adapters/webhook/post.ts';
import { readSecretFile } from '#adapters/webhook/secret-file.ts';
import { AccessDesk } from '#core/access/desk.ts';
import type { NewsStream } from '#core/access/news.ts';
import { nameOf } from '#core/access/person.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import type { ScimConfig } from '#core/access/scim-schema.ts';
import { CertificateDesk, type RegisteredKeys } from '#core/access/ssh-certificates/desk.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { withGroups } from '#core/identity/added-groups.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import type { RevokedDevices } from '#core/identity/devices/store.ts';
import type { Logouts } from '#core/identity/logouts.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { directoryGroups, withDirectoryGroups } from '#core/identity/scim/groups-verifier.ts';
import { standingVerifier } from '#core/identity/standing.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN, tileKey } from '#core/ledger/layout.ts';
import { enter, type LeafSink, policyLeaf } from '#core/ledger/leaves.ts';
import type { DeliveryQueue } from '#core/notify/deliveries.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { INDEX_VERSION } from '#core/replay/index/version.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { SandboxMaker } from '#core/sandboxes/ports.ts';
import { Redactions } from '#core/replay/redact/redactions.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import type { LedgerView } from '#lambdas/sessions/handler.ts';
import { sshPlace } from '#lambdas/ssh/place.ts';
import type { GatewayAddress } from '#lambdas/targets/handler.ts';
import { dataFiles } from '../setup/settings.ts';
import type { Running } from '../supervisor/running.ts';
import { type Api, startApi } from './api-server.ts';
import { awayNews } from './away-news.ts';
import { LocalIndexer } from './indexing.ts';
import { keepDelivering } from './notifier.ts';
import { localSandboxKeeping, makesNone } from './sandboxes.ts';
import { LocalSearching } from './searching.ts';
import { localSettler, settleNews } from './settling.ts';

const CONFIG_EVERY_MS = 1_000;
const TELL_EVERY_MS = 5_000;
const SETTLE_EVERY_MS = 250;
const INDEX_EVERY_MS = 1_000;
const SEARCH_EVERY_MS = 500;
const ISSUERS_EVERY_MS = 60_000;
const LIVE_EVERY_MS = 200;

export interface ControlPlaneOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly gateway: GatewayAddress;
  /** Where the gateway speaks SSH. */
  readonly ssh?: { readonly host: string; readonly port: number };
  /** What makes sandboxes of the demo's targets; nothing does when not given. */
  readonly sandboxes?: SandboxMaker;
  readonly say: (line: string) => void;
}

/** What the Lambda functions are in the cloud: the API, what tells about access, and a look at custody.yaml each second. */
export async function startControlPlane(options: ControlPlaneOptions, running: Running): Promise<Api> {
  const { dataDir, port, gateway, say } = options;
  const files = dataFiles(dataDir);
  const catalog = await closing(running, openSessionIndex(files.index));
  const leaves = await closing(running, localLeafQueue(dataDir));
  const store = await closing(running, localAccessStore(dataDir));
  const deliveries = await closing(running, localDeliveries(dataDir));
  const directory = await closing(running, localScim(dataDir));
  const logouts = await closing(running, localLogouts(dataDir));
  const devices = await closing(running, localDevices(dataDir));
  const runs = await closing(running, localRunStore(dataDir));
  const texts = workflowTexts(directoryStore(files.store));
  const policy = await localPolicy(files.config, leaves);
  const stream = sayAlarms(new WebhookStream(() => policy.config.webhooks, deliveries), say);
  const desk = new AccessDesk({ requests: store, leaves, stream, now, newId });
  const runDesk = new RunDesk({ runs, texts, leaves, stream, now, newId, newKey: () => randomBytes(32) });
  const deviceDesk = new DeviceDesk({ devices, leaves, now });
  const scim = new ScimDesk({ store: directory, leaves, now, newId });
  const keyring = new Keyring();
  const current = currentVerifier(() => policy.config.issuers, keyring);
  const known = { policy, logouts, devices, directory, keyring, current };
  await every(running, CONFIG_EVERY_MS, () => lookAtConfig(policy, say));
  const tellAll = async (): Promise<void> =>
    void (await Promise.all([desk.tellAll(), scim.payAll(), deviceDesk.tellAll(), runDesk.tellAll()]));
  await every(running, TELL_EVERY_MS, tellAll, trouble('cannot tell about access', say));
  const settler = localSettler({
    ...{ runs, desk: runDesk, texts, now },
    store: directoryStore(files.store),
    signer: fileSigner(dataDir),
  });
  const sayUnsettled = settleNews(say);
  const settleAll = async (): Promise<void> => sayUnsettled((await settler.settleAll()).failures);
  await every(running, SETTLE_EVERY_MS, settleAll, trouble('results cannot be derived', say));
  const indexer = new LocalIndexer({
    ...{ store: directoryStore(files.store), signer: fileSigner(dataDir), now, say },
    unindexed: await closing(running, openUnindexedSessions(files.index, INDEX_VERSION)),
  });
  await running.add(() => indexer.stop());
  await every(running, INDEX_EVERY_MS, () => indexer.indexAll(), trouble('indexes cannot be made', say));
  await deliver(running, policy, deliveries, say);
  await watchIssuers(running, known, say);
  const sandboxes = await keepSandboxes(options, running, leaves);
  const search = await closing(running, await openSearch(files.search));
  const signer = fileSigner(dataDir);
  const searching = new LocalSearching({
    ...{ search, catalog, policy: () => policy.config, now, say, redactions: new Redactions() },
    source: directoryStore(files.store),
    signer: () => signer.publicKey(),
  });
  await running.add(() => searching.stop());
  await every(running, SEARCH_EVERY_MS, () => searching.addAll(), trouble('the search is behind', say));
  const api = await startApi({
    port,
    policy,
    verifier: verifierOf(known, say),
    scim: { desk: scim, secretOf },
    devices,
    deviceDesk,
    logout: { logouts, verifierOf: logoutVerifiers(keyring) },
    catalog,
    search: { search, pending: (limit) => searching.pending(limit) },
    source: directoryStore(files.store),
    live: {
      tails: localJournalTails(files.journal),
      standing: toldStanding({ ...scimOf(known), logouts, devices }),
      pause,
      pollMs: LIVE_EVERY_MS,
      presence: store,
      unsealed: () => catalog.unsealed(),
    },
    indexes: indexer,
    leaves,
    ledger: await ledgerView(dataDir, files.store),
    ssh: await sshPorts(options, running, { policy, leaves, devices, logouts }),
    requests: store,
    terminations: store,
    desk,
    runs: { runs, desk: runDesk, texts, settle: (id) => settler.settle(id) },
    sandboxes,
    deadLetters: deliveries,
    signerPem: readFileSync(files.signerPem, 'utf8'),
    gateway,
    now,
  });
  await running.add(() => api.close());
  return api;
}

async function keepSandboxes(
  { dataDir, sandboxes: maker = makesNone, say }: ControlPlaneOptions,
  running: Running,
  leaves: LeafSink,
) {
  const sandboxes = await closing(running, localSandboxes(dataDir));
  const onTrouble = trouble('sandboxes cannot be looked after', say);
  const keeping = localSandboxKeeping({ sandboxes, maker, leaves, now, newId, onTrouble, say });
  await running.add(() => keeping.stop());
  return keeping;
}

interface SshStores extends Pick<Known, 'policy' | 'logouts'> {
  readonly leaves: LeafSink;
  readonly devices: RegisteredKeys;
}

/** People's SSH certificates, by CAs in the data folder. */
async function sshPorts(
  { dataDir, ssh }: ControlPlaneOptions,
  running: Running,
  { policy, leaves, devices, logouts: revocations }: SshStores,
) {
  createSshCas(dataDir);
  const book = await closing(running, localCertificates(dataDir));
  const inForce = () => policy.config;
  const desk = new CertificateDesk({
    policy: inForce,
    ca: userCa(dataDir),
    book,
    revocations,
    leaves,
    devices,
    now,
  });
  const address = ssh && `${ssh.host}:${ssh.port}`;
  return {
    ...{ desk, book, revocations, place: sshPlace(address, localHostKeys(dataDir)) },
    userCa: async () => caKeys(dataDir, 'user'),
    targetCa: async () => caKeys(dataDir, 'target'),
  };
}

const now = (): Date => new Date();
const pause = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false });
const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
const secretOf = ({ tokenFile = '' }: ScimConfig) => readSecretFile(tokenFile, "a directory's secret");

/** What a token is looked at with. */
interface Known {
  readonly policy: PolicyInForce;
  readonly logouts: Logouts;
  readonly devices: RevokedDevices;
  readonly directory: LocalScim;
  readonly keyring: Keyring;
  /** For the issuers that the configuration names now. */
  readonly current: () => TokenVerifier;
}

async function deliver(
  running: Running,
  policy: PolicyInForce,
  queue: DeliveryQueue,
  say: (line: string) => void,
): Promise<void> {
  const webhooks = () => policy.config.webhooks;
  const secrets = { readSecret: readSecretFile, random: Math.random, busy: new Set<string>() };
  const ports = { webhooks, queue, sender: webhookPost(), ...secrets };
  const delivering = keepDelivering(ports, now, trouble('webhooks cannot be delivered', say));
  await running.add(() => delivering.stop());
}

/** Keys are fetched before somebody waits for them, and an issuer that is away is heard of. */
async function watchIssuers(
  running: Running,
  { keyring, current }: Known,
  say: (line: string) => void,
): Promise<void> {
  const sayAway = awayNews(say);
  await every(running, ISSUERS_EVERY_MS, async () => {
    current(); // so that the keyring has the issuers that the configuration names now
    await keyring.refresh();
    sayAway(keyring.away());
  });
}

/** A good token, with the groups that directories know, of somebody who was not logged out or deactivated since. */
function verifierOf(
  { policy, logouts, devices, directory, current }: Known,
  say: (line: string) => void,
): () => TokenVerifier {
  const issuers = () => policy.config.issuers;
  const directoryOf = currentDirectories({
    readSecret: readDirectorySecret,
    wallClock: now,
    onTrouble: trouble("an issuer's directory cannot be asked", say),
  });
  const looking = withGroups(current, issuers, directoryOf);
  const scim = scimOf({ policy, directory });
  const groups = directoryGroups(scim);
  const standing = toldStanding({ ...scim, logouts, devices });
  return () => withDirectoryGroups(standingVerifier(looking(), standing), groups);
}

function scimOf({ policy, directory }: Pick<Known, 'policy' | 'directory'>) {
  return { policy: () => policy.config, store: directory };
}

/** Whoever watches the terminal hears an alarm also where no webhook is. */
function sayAlarms(stream: NewsStream, say: (line: string) => void): NewsStream {
  return {
    tell: async (news) => {
      if (news.alarm) {
        const { kind, request, target, requester, reason = '' } = news;
        say(`ALARM: ${JSON.stringify({ kind, request, target, by: nameOf(requester), reason })}`);
      }
      await stream.tell(news);
    },
  };
}

async function closing<T extends { close(): void }>(running: Running, opened: T): Promise<T> {
  await running.add(() => opened.close());
  return opened;
}

/** The gateway enters the leaf as well: the same file makes the same leaf, and the queue takes it once. */
async function localPolicy(file: string, leaves: LeafSink): Promise<PolicyInForce> {
  return new PolicyInForce(await readConfigFile(file), {
    read: () => readConfigFile(file),
    adopt: ({ version }) => enter(policyLeaf(version, new Date(Math.floor(statSync(file).mtimeMs))), leaves),
    now: () => new Date(),
  });
}

async function lookAtConfig(policy: PolicyInForce, say: (line: string) => void): Promise<void> {
  const news = await policy.check();
  if (news === undefined) return;
  if ('version' in news) say(`custody.yaml was changed; in force now: ${news.version.slice(0, 12)}`);
  else say(`custody.yaml was changed and is refused, the one before stays in force: ${news.error.message}`);
}

async function every(
  running: Running,
  ms: number,
  work: () => Promise<void>,
  onTrouble: (error: CustodyError) => void = () => undefined,
): Promise<void> {
  const timer = setInterval(() => {
    work().catch((error: unknown) => onTrouble(asCustodyError(error)));
  }, ms);
  await running.add(() => clearInterval(timer));
}

function trouble(what: string, say: (line: string) => void): (error: unknown) => void {
  return (thrown) => {
    const { message, detail } = asCustodyError(thrown);
    say(`${what}: ${detail ?? message}`);
  };
}

/** The ledger of this data folder, as the API shows it. */
async function ledgerView(dataDir: string, storeFolder: string): Promise<LedgerView> {
  const store = directoryStore(storeFolder);
  const head = localLedgerHead(dataDir);
  const key = await fileSigner(dataDir).publicKey();
  return {
    newest: async () => {
      const stored = await head.read();
      if (stored === undefined) return undefined;
      return { note: stored.checkpoint, checkpoint: openCheckpoint(stored.checkpoint, LOCAL_ORIGIN, key) };
    },
    fetch: (path) => store.get(tileKey(path)),
  };
}
