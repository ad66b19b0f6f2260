import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { EventBridgeEvent } from 'aws-lambda';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { deriveTaskResult } from '#core/tasks/result/derive.ts';
import { changeRun } from '#core/tasks/run-desk.ts';
import { runWorkflows } from '#core/tasks/run-workflows.ts';
import { RunSettler, type Settling } from '#core/tasks/settle.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { now, storeOf } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

/** What S3 tells of an object that was put. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
interface Created {
  readonly object?: { readonly key?: string };
}

const telemetry = telemetryFor('settler');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const runs = dynamoRunStore({ dynamo: dynamoClient(client), table: settings.CUSTODY_TABLE_RUNS }, now);
const store = storeOf(settings, s3Client(client));
const settler = new RunSettler({
  ...{ runs, store, now, derive: deriveTaskResult },
  signer: kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY),
  // The notifier tells of it: it has the webhooks.
  desk: { change: (id, steps) => changeRun(runs, id, steps, now) },
  workflowOf: runWorkflows(workflowTexts(store)),
});

/** As soon as a session is sealed, and every minute for what was left behind. */
export const handler = instrumented<EventBridgeEvent<string, unknown>, void>(telemetry, async (event) => {
  const session = sealedSession(event);
  const { settled, failures } = await (session === undefined
    ? settler.settleAll()
    : settler.settleSession(session));
  tell({ settled, failures });
  // One session says nothing of the others.
  if (session === undefined) telemetry.metrics.addMetric('UnsettledTasks', MetricUnit.Count, failures.length);
});

function tell({ settled, failures }: Settling): void {
  const { logger } = telemetry;
  if (settled > 0) logger.info('settled', { tasks: settled });
  for (const { run, session, error } of failures)
    logger.error(error.message, { run, session, code: error.code, detail: error.detail ?? '' });
}

const SEALED = /^sessions\/([0-9a-f-]{36})\/close\.json\.sig$/;

function sealedSession({ detail, ...event }: EventBridgeEvent<string, unknown>): string | undefined {
  if (event['detail-type'] !== 'Object Created') return undefined;
  return SEALED.exec((detail as Created).object?.key ?? '')?.[1];
}
