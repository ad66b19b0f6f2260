import { randomBytes } from 'node:crypto';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import { dynamoDevices } from '#adapters/aws/devices.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { gatewayCa } from '#adapters/aws/gateway-ca.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoPresence } from '#adapters/aws/presence.ts';
import { dynamoPulses } from '#adapters/aws/pulses.ts';
import { dynamoSandboxes } from '#adapters/aws/sandbox-store.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { dynamoToldHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { CustodyError } from '#core/errors.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { withoutToken } from '#core/identity/known-groups.ts';
import { countingAlarms } from '#core/notify/alarms.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { SandboxDesk } from '#core/sandboxes/desk.ts';
import { accessHandler } from '../access/handler.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { configHandler } from '../config/handler.ts';
import { devicesHandler } from '../devices/handler.ts';
import { explanationHandler } from '../explanation/handler.ts';
import { loginHandler } from '../login/handler.ts';
import { runsHandler } from '../runs/handler.ts';
import { sandboxesHandler } from '../sandboxes/handler.ts';
import { addressOnly, sshPlace } from '../ssh/place.ts';
import { statusHandler } from '../status/handler.ts';
import { freshPolicy, leavesOf, ledgerOf, now, runPorts, sessionsOf, storeOf } from '../surroundings.ts';
import { type GatewayAddress, gatewayAddresses, targetsHandler } from '../targets/handler.ts';
import { telemetryFor } from '../telemetry.ts';
import { VERSION } from '../version.ts';
import { webhooksHandler } from '../webhooks/handler.ts';
import { whoamiHandler } from '../whoami/handler.ts';
import { workflowsHandler } from '../workflows/handler.ts';

const telemetry = telemetryFor('access');
const { log } = telemetry;

/** Requests, decisions and grants; workflows and their runs; devices; targets; what would be decided; how the gateway is; dead letters. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const [dynamo, s3] = [dynamoClient(client), s3Client(client)];
  const fresh = await freshPolicy(settings, s3);
  const { config: policy } = fresh;
  const requests = dynamoAccessStore(dynamo, settings.CUSTODY_TABLE_ACCESS);
  const deliveries = dynamoDeliveries(dynamo, settings.CUSTODY_TABLE_DELIVERIES);
  const webhooks = new WebhookStream(() => policy().webhooks, deliveries);
  const stream = countingAlarms(webhooks, telemetry.alarm);
  const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
  const desk = new AccessDesk({ requests, leaves: leavesOf(settings, dynamo), stream, now, newId });
  const runPieces = runPorts(settings, { s3, dynamo }, policy);
  const { runs } = runPieces;
  const access = accessHandler({ policy, requests, desk, runs, now, log });
  const devices = dynamoDevices({ dynamo, table: settings.CUSTODY_TABLE_ACCESS, now });
  const deviceDesk = new DeviceDesk({ devices, leaves: leavesOf(settings, dynamo), now });
  const sandboxes = dynamoSandboxes({ dynamo, table: settings.CUSTODY_TABLE_ACCESS });
  const sandboxDesk = new SandboxDesk({ sandboxes, now, newId });
  const sessions = sessionsOf(settings, dynamo);
  const address = addressOf('CUSTODY_GATEWAY_ADDRESS', settings.CUSTODY_GATEWAY_ADDRESS);
  const { CUSTODY_KUBERNETES_ADDRESS: forClusters } = settings;
  const kubernetes =
    forClusters === undefined ? undefined : addressOf('CUSTODY_KUBERNETES_ADDRESS', forClusters);
  const place = { s3, bucket: settings.CUSTODY_CONFIG_BUCKET, key: settings.CUSTODY_CONFIG_KEY };
  const ssh = sshPlace(
    settings.CUSTODY_SSH_ADDRESS,
    dynamoToldHostKeys({ dynamo, table: settings.CUSTODY_TABLE_ACCESS }),
  );
  const gateway = gatewayAddresses({
    postgres: async () => ({ ...address, ...(await gatewayCa(place)) }),
    ssh: async () => addressOnly(await ssh()),
    kubernetes: async () => kubernetes && { ...kubernetes, ...(await gatewayCa(place)) },
  });
  const signer = kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY);
  const accessTable = { dynamo, table: settings.CUSTODY_TABLE_ACCESS, now };
  const withKnownGroups = withoutToken({ policy, store: dynamoScim(accessTable) });
  const ledger = ledgerOf(settings, { s3, dynamo }, signer);
  const coordination = { dynamo, table: settings.CUSTODY_TABLE_COORDINATION };
  const status = statusHandler({
    policy: fresh.inForce,
    version: VERSION,
    sessions,
    presence: dynamoPresence(accessTable),
    leases: dynamoLeases(coordination),
    pulses: dynamoPulses(coordination),
    ledger,
    queue: leavesOf(settings, dynamo),
    deadLetters: deliveries,
    now,
    log,
  });
  const runsApi = runsHandler({
    ...runPieces,
    policy,
    source: storeOf(settings, s3),
    sessions,
    ledger,
    requests,
    signer: () => signer.publicKey(),
    now,
    log,
  });
  const routes: Routes = [
    ['/v1/workflows', workflowsHandler({ policy, now, log })],
    ['/v1/runs', runsApi],
    ['/v1/requests', access],
    ['/v1/grants', access],
    ['/v1/devices', devicesHandler({ policy, devices, desk: deviceDesk, now, log })],
    [
      '/v1/sandboxes',
      sandboxesHandler({
        policy,
        requests,
        sessions,
        sandboxes,
        desk: sandboxDesk,
        wake: async () => undefined,
        now,
        log,
      }),
    ],
    ['/v1/targets', targetsHandler({ policy, requests, gateway, now, log })],
    ['/v1/explanation', explanationHandler({ policy, requests, withKnownGroups, now, log })],
    ['/v1/whoami', whoamiHandler({ policy, log })],
    ['/v1/login', loginHandler({ policy, log })],
    ['/v1/config', configHandler({ policy: fresh.inForce, now, log })],
    ['/v1/status', status],
    ['/v1/dead-letters', webhooksHandler({ policy, deadLetters: deliveries, now, log })],
  ];
  return { policy: fresh, routes };
});

function addressOf(variable: string, address = ''): GatewayAddress {
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host !== undefined) return { host, port: Number(port) };
  throw new CustodyError('config-invalid', `${variable} is not an address`, {
    hint: 'host:port, as the stack sets it',
  });
}
