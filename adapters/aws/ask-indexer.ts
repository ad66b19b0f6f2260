import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { reaching } from './failure.ts';

/**
 * Asks for the index of one session, and does not wait for it: an object of the bucket of events says whose, and whoever puts it needs
 * no right to run a function.
 */
export function askIndexer(s3: S3Client, bucket: string): (session: string) => Promise<void> {
  return async (session) => {
    const object = {
      Bucket: bucket,
      Key: `wanted/${session}`,
      Body: Buffer.from(session),
      ChecksumAlgorithm: 'SHA256',
    } as const;
    await reaching(`ask for the index of ${session}`, () => s3.send(new PutObjectCommand(object)));
  };
}
