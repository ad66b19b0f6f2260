import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { EventBridgeEvent } from 'aws-lambda';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { dynamoLeases } from '#adapters/aws/task-leases.ts';
import { CLOCK_SKEW_MS } from '#core/recording/leases.ts';
import { sealEnded } from '#core/recording/seal.ts';
import { Surroundings } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';
import { openWithoutLease } from './unsealed.ts';

/** A task that stopped has its lease for a while yet. */
const LOOKS_AFTER_A_STOP = 8;
const BETWEEN_LOOKS_MS = 5_000;

const telemetry = telemetryFor('sealer');
const surroundings = new Surroundings(process.env);
const leases = dynamoLeases(surroundings.coordination());
const index = surroundings.sessions();
const ports = {
  store: surroundings.store(),
  signer: surroundings.signer(),
  index,
  leaves: surroundings.leaves(),
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
  const { dynamo } = surroundings.clients;
  const remainsOf = (task: string) =>
    dynamoJournalRemains({ dynamo, table: surroundings.settings.CUSTODY_TABLE_JOURNAL }, task);
  const time = new Date(surroundings.now().getTime() - CLOCK_SKEW_MS);
  const { sealed, failures } = await sealEnded(leases, remainsOf, ports, time);
  if (sealed > 0) logger.info('sealed', { sessions: sealed });
  for (const { session, error } of failures) {
    logger.error(error.message, { session, code: error.code, detail: error.detail ?? '' });
  }
  const left = await openWithoutLease(index, leases, surroundings.now());
  metrics.addMetric('SealedSessions', MetricUnit.Count, sealed);
  metrics.addMetric('UnsealedSessions', MetricUnit.Count, left.length);
}
