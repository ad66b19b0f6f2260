import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { EventBridgeEvent } from 'aws-lambda';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { CLOCK_SKEW_MS } from '#core/recording/leases.ts';
import { openWithoutLease, unsealedCount } from '#core/recording/left-open.ts';
import { sealEnded, sealForgotten } from '#core/recording/seal.ts';
import { leavesOf, now, sessionsOf, storeOf } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

/** A task that stopped has its lease for a while yet. */
const LOOKS_AFTER_A_STOP = 8;
const BETWEEN_LOOKS_MS = 5_000;

const telemetry = telemetryFor('sealer');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const dynamo = dynamoClient(client);
const leases = dynamoLeases({ dynamo, table: settings.CUSTODY_TABLE_COORDINATION });
const index = sessionsOf(settings, dynamo);
const ports = {
  store: storeOf(settings, s3Client(client)),
  signer: kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY),
  index,
  leaves: leavesOf(settings, dynamo),
};

/** Every minute, and when a task of the service has stopped: then it looks again until that task's lease is over. */
export const handler = instrumented<EventBridgeEvent<string, unknown>, void>(telemetry, async (event) => {
  const looks = event['detail-type'] === 'ECS Task State Change' ? LOOKS_AFTER_A_STOP : 1;
  for (let look = 1; look <= looks; look += 1) {
    if (look > 1) await sleep(BETWEEN_LOOKS_MS);
    await seal();
  }
});

async function seal(): Promise<void> {
  const { logger, metrics } = telemetry;
  const remainsOf = (task: string) =>
    dynamoJournalRemains({ dynamo, table: settings.CUSTODY_TABLE_JOURNAL }, task);
  const time = new Date(now().getTime() - CLOCK_SKEW_MS);
  const ended = await sealEnded(leases, remainsOf, ports, time);
  const forgotten = await sealForgotten(leases, remainsOf, ports, now());
  const sealed = ended.sealed + forgotten.sealed;
  const failures = [...ended.failures, ...forgotten.failures];
  if (sealed > 0) logger.info('sealed', { sessions: sealed });
  for (const { session, error } of failures) {
    logger.error(error.message, { session, code: error.code, detail: error.detail ?? '' });
  }
  const left = await openWithoutLease(index, leases, now());
  metrics.addMetric('SealedSessions', MetricUnit.Count, sealed);
  metrics.addMetric('UnsealedSessions', MetricUnit.Count, unsealedCount(left, failures));
}
