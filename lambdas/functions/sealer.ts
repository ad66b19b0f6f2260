import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, EventBridgeEvent } from 'aws-lambda';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoSealingClaims } from '#adapters/aws/sealing-claims.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { CLOCK_SKEW_MS } from '#core/recording/leases.ts';
import { openWithoutLease, unsealedCount } from '#core/recording/left-open.ts';
import { type SealerRun, type Sealing, sealEnded, sealForgotten, together } from '#core/recording/seal.ts';
import type { TaskTrouble } from '#core/recording/sealing.ts';
import { Claimant } from '#core/recording/sealing-claims.ts';
import { leavesOf, now, sessionsOf, storeOf } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

/** A task that stopped has its lease for a while yet. */
const LOOKS_AFTER_A_STOP = 8;
const BETWEEN_LOOKS_MS = 5_000;
/** A session takes seconds at worst, a journal's batch half a minute: nothing is begun with less time left. */
const ENOUGH_MS = 60_000;

const telemetry = telemetryFor('sealer');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const dynamo = dynamoClient(client);
const leases = dynamoLeases({ dynamo, table: settings.CUSTODY_TABLE_COORDINATION });
const claims = dynamoSealingClaims({ dynamo, table: settings.CUSTODY_TABLE_COORDINATION });
const index = sessionsOf(settings, dynamo);
const ports = {
  store: storeOf(settings, s3Client(client)),
  signer: kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY),
  index,
  leaves: leavesOf(settings, dynamo),
};

/**
 * Every minute, and when a task of the service has stopped: then it looks again until that task's lease is over. A run that takes
 * longer has others beside it, which leave it the tasks that it is at.
 */
export const handler = instrumented<EventBridgeEvent<string, unknown>, void>(telemetry, run);

async function run(event: EventBridgeEvent<string, unknown>, context: Context): Promise<void> {
  const mayBegin = (): boolean => context.getRemainingTimeInMillis() > ENOUGH_MS;
  const claimant = new Claimant(claims, context.awsRequestId, now);
  const looks = event['detail-type'] === 'ECS Task State Change' ? LOOKS_AFTER_A_STOP : 1;
  const troubles: TaskTrouble[] = [];
  for (let look = 1; look <= looks && mayBegin(); look += 1) {
    if (look > 1) await sleep(BETWEEN_LOOKS_MS);
    troubles.push(...(await seal({ mayBegin, claimant })));
  }
  if (troubles.length > 0) throw troubles[0]!.error;
}

/** Resolves with the tasks that could not be looked at. */
async function seal(run: SealerRun): Promise<readonly TaskTrouble[]> {
  const remainsOf = (task: string) =>
    dynamoJournalRemains({ dynamo, table: settings.CUSTODY_TABLE_JOURNAL }, task);
  const time = new Date(now().getTime() - CLOCK_SKEW_MS);
  const ended = await sealEnded(leases, remainsOf, ports, time, run);
  const forgotten = await sealForgotten(leases, remainsOf, ports, now(), run);
  const done = together([ended, forgotten]);
  const left = await openWithoutLease(index, leases, now());
  tell(done, unsealedCount(left, done.failures));
  return done.troubles ?? [];
}

function tell({ sealed, failures, troubles = [] }: Sealing, unsealed: number): void {
  const { logger, metrics } = telemetry;
  if (sealed > 0) logger.info('sealed', { sessions: sealed });
  for (const { session, error } of failures)
    logger.error(error.message, { session, code: error.code, detail: error.detail ?? '' });
  for (const { task, error } of troubles)
    logger.error(error.message, { task, code: error.code, detail: error.detail ?? '' });
  metrics.addMetric('SealedSessions', MetricUnit.Count, sealed);
  metrics.addMetric('UnsealedSessions', MetricUnit.Count, unsealed);
}
