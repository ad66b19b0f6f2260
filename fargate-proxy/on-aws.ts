import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoCancelWishes } from '#adapters/aws/cancel-wishes.ts';
import {
  type AwsClients,
  awsClients,
  journalDynamoClient,
  secretsClient,
  watchDynamoClient,
} from '#adapters/aws/clients.ts';
import { ConfigBucket } from '#adapters/aws/config-bucket.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import { dynamoDevices, dynamoRecentRevocations } from '#adapters/aws/devices.ts';
import { type AwsSettings, readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLeafQueue } from '#adapters/aws/leaf-queue.ts';
import { dynamoLogouts, dynamoRecentLogouts } from '#adapters/aws/logouts.ts';
import { dynamoPresence } from '#adapters/aws/presence.ts';
import { dynamoPulses } from '#adapters/aws/pulses.ts';
import { tellRevision } from '#adapters/aws/revisions.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { dynamoSandboxes } from '#adapters/aws/sandbox-store.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { directorySecrets, readSecret } from '#adapters/aws/secrets.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { kmsCa, kmsCaKeys } from '#adapters/aws/ssh/cas.ts';
import { dynamoToldHostKeys, secretHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { targetCredentials } from '#adapters/aws/target-credentials.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { watchedRequests } from '#adapters/aws/watched-requests.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { ParentSurroundings, RecorderSurroundings, RelaySurroundings } from './surroundings.ts';
import { keepUp, type Upkept } from './upkeep.ts';

const CONFIG_EVERY_MS = 2_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** `configMs`: how often the configuration is looked at. Throws `config-invalid` where the environment is not what the stack makes. */
export function relayOnAws(
  environment: Environment,
  task: string,
  configMs = CONFIG_EVERY_MS,
): RelaySurroundings {
  const settings = readAwsSettings(environment);
  const clients = awsClients({ region: settings.AWS_REGION });
  const { dynamo, secrets } = clients;
  const config = new ConfigBucket({
    s3: clients.s3,
    bucket: settings.CUSTODY_CONFIG_BUCKET,
    key: settings.CUSTODY_CONFIG_KEY,
    folder: join(tmpdir(), 'custody-certificates'),
  });
  const store = dynamoAccessStore(dynamo, settings.CUSTODY_TABLE_ACCESS);
  const access = { dynamo, table: settings.CUSTODY_TABLE_ACCESS, now };
  const watching = { ...access, dynamo: watchDynamoClient({ region: settings.AWS_REGION }) };
  return {
    readConfig: () => config.read(),
    configEveryMs: configMs,
    certificate: () => certificateOf(clients, settings),
    requests: store,
    watched: watchedRequests(watching, () => performance.now()),
    terminations: dynamoAccessStore(watching.dynamo, watching.table),
    sandboxes: dynamoSandboxes({ dynamo, table: settings.CUSTODY_TABLE_ACCESS }),
    presence: dynamoPresence(watching),
    runs: dynamoRunStore({ dynamo, table: settings.CUSTODY_TABLE_RUNS }, now),
    logouts: dynamoLogouts(access),
    watchedLogouts: dynamoRecentLogouts(watching),
    devices: dynamoDevices(access),
    watchedDevices: dynamoRecentRevocations(watching),
    directory: dynamoScim(watching),
    leaves: leavesOf(clients, settings),
    deliveries: dynamoDeliveries(dynamo, settings.CUSTODY_TABLE_DELIVERIES),
    pulses: dynamoPulses(coordinationOf(clients, settings)),
    secretOf: targetCredentials({
      ...{ secrets, sts: clients.sts, region: settings.AWS_REGION, now },
      secretsAs: (credentials) => secretsClient({ region: settings.AWS_REGION, credentials }),
    }),
    directorySecret: directorySecrets(secrets),
    ...sshOnAws(clients, settings, environment),
    cancelWishes: dynamoCancelWishes(coordinationOf(clients, settings), task, {
      now,
      pause: (ms) => sleep(ms),
    }),
    keepUp: keepingUp(environment, coordinationOf(clients, settings)),
  };
}

/** The sealer and the sequencer are functions: what processes leave is theirs. */
export function parentOnAws(environment: Environment): ParentSurroundings {
  const settings = readAwsSettings(environment);
  const clients = awsClients({ region: settings.AWS_REGION });
  return { keeps: false, keepUp: keepingUp(environment, coordinationOf(clients, settings)) };
}

function keepingUp(
  environment: Environment,
  coordination: ReturnType<typeof coordinationOf>,
): (upkept: Upkept) => Promise<void> {
  const settings = {
    metadata: environment['ECS_CONTAINER_METADATA_URI_V4'],
    tellRevision: (own: number) => tellRevision(coordination, own, now()),
    healthPort: Number(environment['CUSTODY_HEALTH_PORT'] ?? 8080),
    agent: environment['ECS_AGENT_URI'],
  };
  return (upkept) => keepUp(settings, upkept);
}

/** The stack has the secret and the CAs where custody.yaml has an SSH target. */
function sshOnAws(
  { dynamo, secrets, kms }: AwsClients,
  settings: AwsSettings,
  { CUSTODY_SSH_HOST_KEY_SECRET: id }: Environment,
): Pick<RelaySurroundings, 'ssh'> {
  if (id === undefined) return {};
  const { CUSTODY_SSH_USER_CA: userCas, CUSTODY_SSH_TARGET_CA: targetCa } = settings;
  return {
    ssh: {
      hostKeys: secretHostKeys(secrets, id),
      toldHostKeys: dynamoToldHostKeys({ dynamo, table: settings.CUSTODY_TABLE_ACCESS }),
      userCas: () => kmsCaKeys(kms, userCas),
      ...(targetCa === undefined ? {} : { targetCa: kmsCa(kms, targetCa) }),
    },
  };
}

/** The sealer and the sequencer are functions of their own. */
export function recorderOnAws(environment: Environment, task: string): RecorderSurroundings {
  const settings = readAwsSettings(environment);
  const clients = awsClients({ region: settings.AWS_REGION });
  const { dynamo } = clients;
  return {
    ports: {
      // Objects of the ledger are not for this task: every put of a session names its own retention.
      sink: s3Store(clients.s3, {
        bucket: settings.CUSTODY_BUCKET,
        lock: 'governance',
        retentionMs: 0,
        mayRead: false,
        now,
      }),
      signer: kmsSigner(clients.kms, settings.CUSTODY_SIGNING_KEY),
      journal: dynamoJournal(
        {
          dynamo: journalDynamoClient({ region: settings.AWS_REGION }),
          table: settings.CUSTODY_TABLE_JOURNAL,
        },
        task,
        now,
      ),
      index: dynamoSessionIndex({ dynamo, table: settings.CUSTODY_TABLE_SESSIONS, now }),
      leaves: leavesOf(clients, settings),
    },
    leases: dynamoLeases({
      ...coordinationOf(clients, settings),
      dynamo: watchDynamoClient({ region: settings.AWS_REGION }),
    }),
    earlier: { sealed: 0, failures: [] },
  };
}

/** The gateway's certificate and its key, as the secret holds them: JSON with `cert` and `key`, both PEM. */
async function certificateOf({ secrets }: AwsClients, { CUSTODY_TLS_SECRET: id }: AwsSettings) {
  const wrong = (detail: string): CustodyError =>
    new CustodyError('config-invalid', 'the gateway has no certificate', {
      hint: 'put {"cert": "…", "key": "…"}, both PEM, into the secret that gateway.tlsSecret names',
      detail,
    });
  if (id === undefined) throw wrong('CUSTODY_TLS_SECRET is not set');
  const text = await readSecret(secrets, id);
  try {
    const { cert, key } = parseJson(text) as { readonly cert?: unknown; readonly key?: unknown };
    if (typeof cert === 'string' && typeof key === 'string') return { cert, key };
  } catch {
    // Said below, without the text.
  }
  throw wrong(`${id} is not such JSON`);
}

function leavesOf(clients: AwsClients, settings: AwsSettings) {
  return dynamoLeafQueue({ ...coordinationOf(clients, settings), now });
}

function coordinationOf({ dynamo }: AwsClients, { CUSTODY_TABLE_COORDINATION: table }: AwsSettings) {
  return { dynamo, table };
}

function now(): Date {
  return new Date();
}
