import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CustodyError } from '#core/errors.ts';
import { CHECKPOINT } from '#core/ledger/layout.ts';
import type { LedgerHead } from '#core/ledger/ports.ts';
import { awsFailure, isConditionFailed } from './failure.ts';

/** How long each head is locked, as the ledger's other objects are; the bucket's default when not given. */
export interface HeadLock {
  readonly lock: 'governance' | 'compliance';
  readonly retentionMs: number;
  readonly now: () => Date;
}

function lockOf(wanted: HeadLock | undefined) {
  if (wanted === undefined) return {};
  const { lock, retentionMs, now } = wanted;
  return {
    ObjectLockMode: lock === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
    ObjectLockRetainUntilDate: new Date(now().getTime() + retentionMs),
  };
}

/**
 * The ledger's newest checkpoint, as an object beside its tiles. Compare-and-swap is `If-Match` with the ETag that was read;
 * earlier heads stay in the bucket as locked versions. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function s3LedgerHead(s3: S3Client, bucket: string, lock?: HeadLock): LedgerHead {
  const place = { Bucket: bucket, Key: CHECKPOINT };
  return {
    read: async () => {
      try {
        const { Body, ETag } = await s3.send(new GetObjectCommand(place));
        return { checkpoint: await Body!.transformToString(), version: ETag! };
      } catch (thrown) {
        if ((thrown as Error).name === 'NoSuchKey') return undefined;
        throw awsFailure(thrown, 'read the head of the ledger');
      }
    },
    swap: async (expected, checkpoint) => {
      const condition = expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected };
      const body = {
        Body: checkpoint,
        ContentType: 'text/plain; charset=utf-8',
        ChecksumAlgorithm: 'SHA256',
        ...lockOf(lock),
      } as const;
      try {
        const { ETag } = await s3.send(new PutObjectCommand({ ...place, ...body, ...condition }));
        return ETag!;
      } catch (thrown) {
        if (!isConditionFailed(thrown)) throw awsFailure(thrown, 'swap the head of the ledger');
        throw new CustodyError('conflict', 'the ledger has another head by now', { cause: thrown });
      }
    },
  };
}
