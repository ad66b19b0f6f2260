import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { EvidenceLinks } from '#core/replay/links.ts';
import { reaching } from './failure.ts';

const VALID_S = 60;

/** Presigned links, good for a minute. S3 takes a Range header on them, so that a reader need not take an object whole. */
export function s3EvidenceLinks(s3: S3Client, bucket: string): EvidenceLinks {
  return {
    linkTo: (key) => {
      const command = new GetObjectCommand({ Bucket: bucket, Key: key });
      return reaching('sign a link', () => getSignedUrl(s3, command, { expiresIn: VALID_S }));
    },
  };
}
