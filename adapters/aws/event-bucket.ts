import { createHash } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CustodyError } from '#core/errors.ts';
import type { EventStore } from '#core/ocsf/ports.ts';
import { awsFailure, isConditionFailed, reaching } from './failure.ts';

/** Events in a bucket of their own: whoever reads them needs no right to evidence, and nothing of them is locked. */
export function eventBucket(s3: S3Client, bucket: string): EventStore {
  const send = (key: string, bytes: Uint8Array, more: { IfNoneMatch?: string }) =>
    s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ...typeOf(key),
        ...sumOf(bytes),
        ...more,
      }),
    );
  return {
    put: async (key, bytes) => {
      try {
        await send(key, bytes, { IfNoneMatch: '*' });
      } catch (thrown) {
        if (!isConditionFailed(thrown)) throw awsFailure(thrown, `put ${key}`);
      }
    },
    replace: async (key, bytes) => void (await reaching(`put ${key}`, () => send(key, bytes, {}))),
    get: (key, atMost) => getOne(s3, bucket, key, atMost),
    list: (prefix) => listNames(s3, bucket, prefix),
  };
}

/** No `Content-Encoding`: SDKs and Athena would take the bytes apart by both. */
function typeOf(key: string) {
  return { ContentType: key.endsWith('.gz') ? 'application/gzip' : 'application/octet-stream' };
}

function sumOf(bytes: Uint8Array) {
  const sum = createHash('sha256').update(bytes).digest('base64');
  return { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: sum } as const;
}

async function getOne(
  s3: S3Client,
  Bucket: string,
  Key: string,
  atMost: number,
): Promise<Uint8Array | undefined> {
  try {
    const { Body, ContentLength = 0 } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    if (ContentLength <= atMost) return await Body!.transformToByteArray();
  } catch (thrown) {
    if ((thrown as Error).name === 'NoSuchKey') return undefined;
    throw awsFailure(thrown, `read ${Key}`);
  }
  throw new CustodyError(
    'state-damaged',
    'an object among the events is longer than any that Custody makes',
    {
      hint: 'somebody wrote to the bucket; look into it',
      detail: Key,
    },
  );
}

async function listNames(s3: S3Client, Bucket: string, Prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await reaching(`list ${Prefix}`, () =>
      s3.send(new ListObjectsV2Command({ Bucket, Prefix, Delimiter: '/', ...more })),
    );
    for (const { Key } of page.Contents ?? []) names.push(Key!.slice(Prefix.length));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return names.sort();
}
