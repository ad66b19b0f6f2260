import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { reaching } from './failure.ts';

/** An index takes about as long to be made; until it is, each page of its steps would ask again. */
const AGAIN_MS = 60_000;
const SESSIONS_MAX = 1_000;

/**
 * Asks for the index of one session, and does not wait for it: an object of the bucket of events says whose, and whoever puts it needs
 * no right to run a function. Who has asked for it within a minute does not ask again.
 */
export function askIndexer(
  s3: S3Client,
  bucket: string,
  now: () => Date,
): (session: string) => Promise<void> {
  const asked = new Map<string, number>();
  return async (session) => {
    const time = now().getTime();
    if (time - (asked.get(session) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    const object = {
      Bucket: bucket,
      Key: `wanted/${session}`,
      Body: Buffer.from(session),
      ChecksumAlgorithm: 'SHA256',
    } as const;
    await reaching(`ask for the index of ${session}`, () => s3.send(new PutObjectCommand(object)));
    if (asked.size === SESSIONS_MAX) asked.clear();
    asked.set(session, time);
  };
}
