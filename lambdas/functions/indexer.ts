import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { EventBridgeEvent } from 'aws-lambda';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { type AwsSettings, readAwsSettings } from '#adapters/aws/env.ts';
import { eventBucket } from '#adapters/aws/event-bucket.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import type { Person } from '#core/access/person.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Indexed, indexSealed } from '#core/ocsf/index-sealed.ts';
import { indexMissed } from '#core/ocsf/missed.ts';
import { seenBy } from '#core/ocsf/seen.ts';
import { refuseTooLong } from '#core/ocsf/too-long.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { INDEXED_MAX_BYTES } from '../indexed-max.ts';
import { once } from '../once.ts';
import { freshPolicy, now, sessionsOf } from '../surroundings.ts';
import { instrumented, telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('indexer');
const settings = readAwsSettings(process.env);
const client = { region: settings.AWS_REGION };
const s3 = s3Client(client);
const signer = kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY);
const catalog = sessionsOf(settings, dynamoClient(client));
const events = eventBucket(s3, eventsBucketOf(settings));
// Indexes are derived: a lock that is over at once is all that the bucket of evidence asks of them.
const store = s3Store(s3, {
  bucket: settings.CUSTODY_BUCKET,
  lock: 'governance',
  retentionMs: 0,
  mayRead: true,
  now,
});
const fresh = once(() => freshPolicy(settings, s3));

/** What the function's end leaves to whoever goes on. */
const MARGIN_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Each time, and with the first look of an hour. */
const [RECENT_MS, LONG_MS] = [6 * HOUR_MS, 72 * HOUR_MS];
const LOOK_MINUTES = 5;

/** As soon as a session is sealed, or its index is wanted; and every five minutes for what was left behind. */
export const handler = instrumented<EventBridgeEvent<string, unknown>, void>(
  telemetry,
  async (event, context) => {
    const session = sessionOf(event);
    const mayGoOn = (): boolean => context.getRemainingTimeInMillis() > MARGIN_MS;
    const policy = await fresh();
    await policy.look();
    const ports = { store, events, signer, mayGoOn, seenOf: seenBy(policy.config()), approvedBy };
    const index = async (id: string): Promise<Indexed> => {
      await refuseTooLong(id, store, INDEXED_MAX_BYTES);
      return indexSealed(id, ports);
    };
    if (session === undefined) await missed(index, mayGoOn);
    else {
      // Whoever wants it may have found that the one that is there is no good.
      if (keyOf(event).startsWith('wanted/')) {
        await refuseTooLong(session, store, INDEXED_MAX_BYTES);
        await indexSession(session, { store, signer }, { deep: true });
      }
      await one(session, index);
    }
  },
);

/** An index that was lost knows nobody. */
async function approvedBy(session: string): Promise<readonly Person[]> {
  try {
    return (await catalog.get(session)).approvedBy ?? [];
  } catch (thrown) {
    if (asCustodyError(thrown).code === 'not-found') return [];
    throw thrown;
  }
}

async function one(session: string, index: (id: string) => Promise<Indexed>): Promise<void> {
  const { logger } = telemetry;
  const state = await index(session);
  if (state === 'made') logger.info('indexed', { session });
  // The next look goes on with it.
  if (state === 'unfinished')
    logger.info('the session is long, and not all of it is indexed yet', { session });
}

async function missed(index: (id: string) => Promise<Indexed>, mayGoOn: () => boolean): Promise<void> {
  const { logger, metrics } = telemetry;
  const isFirst = now().getMinutes() < LOOK_MINUTES;
  const since = now().getTime() - (isFirst ? LONG_MS : RECENT_MS);
  const { made, left, failures } = await indexMissed(since, { catalog, events, index, mayGoOn, now });
  if (made > 0) logger.info('indexed', { sessions: made });
  for (const { session, error } of failures)
    logger.error(error.message, { session, code: error.code, detail: error.detail ?? '' });
  metrics.addMetric('UnindexedSessions', MetricUnit.Count, left);
}

/** What S3 tells of an object that was put. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
interface Created {
  readonly object?: { readonly key?: string };
}

/** Sealed, or wanted (adapters/aws/ask-indexer.ts). */
const KEYS = [/^sessions\/([0-9a-f-]{36})\/close\.json\.sig$/, /^wanted\/([0-9a-f-]{36})$/];

function keyOf({ detail }: EventBridgeEvent<string, unknown>): string {
  return (detail as Created).object?.key ?? '';
}

function sessionOf(event: EventBridgeEvent<string, unknown>): string | undefined {
  if (event['detail-type'] !== 'Object Created') return undefined;
  const key = keyOf(event);
  return KEYS.map((form) => form.exec(key)?.[1]).find((session) => session !== undefined);
}

function eventsBucketOf({ CUSTODY_EVENTS_BUCKET: bucket }: AwsSettings): string {
  if (bucket !== undefined) return bucket;
  throw new CustodyError('config-invalid', 'this environment variable is missing: CUSTODY_EVENTS_BUCKET', {
    hint: 'the stack sets it; see cdk/README.md',
  });
}
