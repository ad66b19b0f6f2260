import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoClient, s3Client, secretsClient } from '#adapters/aws/clients.ts';
import { dynamoDeliveries } from '#adapters/aws/deliveries.ts';
import { dynamoDevices } from '#adapters/aws/devices.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { readSecret } from '#adapters/aws/secrets.ts';
import { webhookPost } from '#adapters/webhook/post.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { countingAlarms } from '#core/notify/alarms.ts';
import { deliverDue } from '#core/notify/deliver.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { isOtherThanDeployed } from '../deployed-policy.ts';
import { once } from '../once.ts';
import { freshPolicy, leavesOf, now } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

const EVERY_MS = 1_000;
const TELL_EVERY = 5;
/** Attempts take seconds: none is begun with less time left. */
const ENOUGH_MS = 20_000;

const telemetry = telemetryFor('notifier');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const [dynamo, secrets] = [dynamoClient(client), secretsClient(client)];
const fresh = once(() => freshPolicy(settings, s3Client(client)));
const busy = new Set<string>();

/** Every minute, for most of it: tells about access what has not been told, and delivers what is due every second. */
export const handler = instrumented<unknown, void>(telemetry, async (_event, context) => {
  const policy = await fresh();
  const deliveries = dynamoDeliveries(dynamo, settings.CUSTODY_TABLE_DELIVERIES);
  const webhooks = () => policy.config().webhooks;
  const stream = countingAlarms(new WebhookStream(webhooks, deliveries), telemetry.alarm);
  const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
  const requests = dynamoAccessStore(dynamo, settings.CUSTODY_TABLE_ACCESS);
  const desk = new AccessDesk({ requests, leaves: leavesOf(settings, dynamo), stream, now, newId });
  const place = { dynamo, table: settings.CUSTODY_TABLE_ACCESS, now };
  const scim = new ScimDesk({ store: dynamoScim(place), leaves: leavesOf(settings, dynamo), now, newId });
  const devices = new DeviceDesk({ devices: dynamoDevices(place), leaves: leavesOf(settings, dynamo), now });
  // It starts no run: nothing is to be stored, and no key to be made.
  const runs = new RunDesk({
    runs: dynamoRunStore({ dynamo, table: settings.CUSTODY_TABLE_RUNS }, now),
    texts: { put: () => Promise.reject(new Error('the notifier starts no run')) },
    ...{ leaves: leavesOf(settings, dynamo), stream, now, newId },
    newKey: () => randomBytes(32),
  });
  const read = async (id: string): Promise<string> => (await readSecret(secrets, id)).trim();
  const ports = {
    webhooks,
    console: () => policy.config().console,
    queue: deliveries,
    sender: webhookPost(),
    readSecret: read,
    random: Math.random,
    busy,
  };
  let isOther = false;
  for (let round = 0; context.getRemainingTimeInMillis() > ENOUGH_MS; round += 1) {
    await policy.look();
    isOther ||= isOtherThanDeployed(policy.inForce, settings.CUSTODY_POLICY_DEPLOYED);
    if (round % TELL_EVERY === 0)
      await Promise.all([desk.tellAll(), scim.payAll(), devices.tellAll(), runs.tellAll()]);
    for (const { outcome } of await deliverDue(ports, now)) {
      if (outcome !== 'delivered') telemetry.metrics.addMetric('FailedDeliveries', MetricUnit.Count, 1);
      // Nobody tries it again by himself: an alarm of the stack goes by it.
      if (outcome === 'dead') telemetry.metrics.addMetric('DeadLetters', MetricUnit.Count, 1);
    }
    await sleep(EVERY_MS);
  }
  telemetry.metrics.addMetric('PolicyNotDeployed', MetricUnit.Count, isOther ? 1 : 0);
});
