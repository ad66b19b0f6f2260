import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localJournalTails } from '#adapters/local/journal-tail.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { localLogouts } from '#adapters/local/logouts.ts';
import { localPulses } from '#adapters/local/pulses.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { localScim } from '#adapters/local/scim-directory.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { logoutVerifiers } from '#adapters/oidc/logout-verifier.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { withoutToken } from '#core/identity/known-groups.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { RefusalTeller } from '#core/status/refusal-teller.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { storedLedger } from '#lambdas/ledger/stored-ledger.ts';
import { dataFiles } from '../setup/settings.ts';
import type { Running } from '../supervisor/running.ts';
import { type Api, startApi } from './api-server.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { closing, every, newId, now, pause, trouble } from './keeping.ts';
import { scimOf, secretOf, verifierOf, watchIssuers } from './people.ts';
import { localPolicy, lookAtConfig } from './policy-file.ts';
import { keepReplay } from './replay.ts';
import { keepSandboxes } from './sandbox-keeping.ts';
import { keepSettling } from './settling-loop.ts';
import { sshPorts } from './ssh-ports.ts';
import { deliver, sayAlarms } from './telling.ts';

const CONFIG_EVERY_MS = 1_000;
const TELL_EVERY_MS = 5_000;
const REFUSALS_EVERY_MS = 1_000;
const LIVE_EVERY_MS = 200;

/** What the Lambda functions are in the cloud: the API, what tells about access, and a look at custody.yaml each second. */
export async function startControlPlane(options: ControlPlaneOptions, running: Running): Promise<Api> {
  const { dataDir, port, gateway, kubernetes, say } = options;
  const files = dataFiles(dataDir);
  const catalog = await closing(running, openSessionIndex(files.index));
  const leaves = await closing(running, localLeafQueue(dataDir));
  const store = await closing(running, localAccessStore(dataDir));
  const deliveries = await closing(running, localDeliveries(dataDir));
  const directory = await closing(running, localScim(dataDir));
  const logouts = await closing(running, localLogouts(dataDir));
  const devices = await closing(running, localDevices(dataDir));
  const runs = await closing(running, localRunStore(dataDir));
  const leases = await closing(running, localLeases(dataDir));
  const pulses = await closing(running, localPulses(dataDir));
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
  await every(running, options.configMs ?? CONFIG_EVERY_MS, () => lookAtConfig(policy, say));
  const tellAll = async (): Promise<void> =>
    void (await Promise.all([desk.tellAll(), scim.payAll(), deviceDesk.tellAll(), runDesk.tellAll()]));
  await every(running, TELL_EVERY_MS, tellAll, trouble('cannot tell about access', say));
  const issuers = () => policy.config.issuers;
  const refusals = new RefusalTeller({ pulses, name: randomUUID(), issuers, now });
  await every(running, REFUSALS_EVERY_MS, () => refusals.tellDue());
  const settler = await keepSettling({ dataDir, runs, desk: runDesk, texts, say }, running);
  await deliver(running, policy, deliveries, say);
  await watchIssuers(running, known, say);
  const sandboxes = await keepSandboxes(options, running, leaves);
  const replay = await keepReplay({ dataDir, catalog, policy, say }, running);
  const api = await startApi({
    port,
    policy,
    verifier: verifierOf(known, say),
    scim: { desk: scim, secretOf },
    devices,
    deviceDesk,
    logout: { logouts, verifierOf: logoutVerifiers(keyring) },
    catalog,
    search: replay.search,
    source: directoryStore(files.store),
    live: {
      tails: localJournalTails(files.journal),
      standing: toldStanding({ ...scimOf(known), logouts, devices }),
      pause,
      pollMs: LIVE_EVERY_MS,
      presence: store,
      unsealed: () => catalog.unsealed(),
    },
    indexes: replay.indexes,
    leaves,
    ledger: storedLedger(LOCAL_ORIGIN, {
      head: localLedgerHead(dataDir),
      store: directoryStore(files.store),
      signer: fileSigner(dataDir),
    }),
    ssh: await sshPorts(options, running, { policy, leaves, devices, logouts }),
    requests: store,
    terminations: store,
    desk,
    runs: { runs, desk: runDesk, texts, settle: (id) => settler.settle(id) },
    sandboxes,
    deadLetters: deliveries,
    health: { sessions: catalog, presence: store, leases, pulses, queue: leaves },
    refused: refusals.refused,
    withKnownGroups: withoutToken(scimOf(known)),
    signerPem: readFileSync(files.signerPem, 'utf8'),
    gateway,
    ...(kubernetes && { kubernetes }),
    now,
  });
  await running.add(() => api.close());
  return api;
}
