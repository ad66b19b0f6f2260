import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CustodyError } from '#core/errors.ts';
import type { RecordingSink, RecordingSource, Retention } from '#core/recording/ports.ts';
import { awsFailure, isConditionFailed, isOwnEarlierTry, reaching } from './failure.ts';

const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;
/**
 * Above it, an object goes up in parts: a part that fails is sent again, and not all of it. A segment of the recorder's is at
 * most 24 MiB, so it is put whole, with its lock in the same request.
 */
const WHOLE_MAX_BYTES = 32 << 20;
const PART_BYTES = 8 << 20;
/** Twice what FORMAT.md allows a segment: whatever is longer was not put by Custody. */
const READ_MAX_BYTES = 128 << 20;
/** S3 answers 409 while another put of the same key is under way, and asks for another try. */
const CONFLICTS_MAX = 5;
/** S3 refuses a date that lies behind it; a session may have outlived what was to be kept. */
const LOCK_AHEAD_MS = 24 * 3_600_000;

export interface S3StoreOptions {
  readonly bucket: string;
  /** For objects that ask for nothing: the ledger's. */
  readonly retentionMs: number;
  readonly lock: Retention['lock'];
  /**
   * Whether this process may read what it puts. One that may not takes a key that is taken, after an attempt of its own
   * whose answer was lost, for its own: only the holder of a session's lease puts under its name.
   */
  readonly mayRead: boolean;
  readonly now: () => Date;
}

/**
 * Evidence in S3 under Object Lock. Put-once is `If-None-Match: *`; every put carries its lock, so that no object is
 * unlocked for a moment. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export function s3Store(s3: S3Client, options: S3StoreOptions): RecordingSink & RecordingSource {
  const { bucket } = options;
  return {
    put: async (key, bytes, retention) => putOnce(s3, options, checked(key), bytes, retention),
    list: async (prefix) => [...(await listSizes(s3, bucket, prefix)).keys()],
    sizes: (prefix) => listSizes(s3, bucket, prefix),
    get: async (key, atMost) => getWhole(s3, bucket, checked(key), atMost),
    size: async (key) => sizeOf(s3, bucket, checked(key)),
  };
}

async function putOnce(
  s3: S3Client,
  options: S3StoreOptions,
  key: string,
  bytes: Uint8Array,
  retention: Retention | undefined,
): Promise<void> {
  const place = { Bucket: options.bucket, Key: key, ...lockOf(options, retention) };
  const send = bytes.byteLength > WHOLE_MAX_BYTES ? putInParts : putWhole;
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await send(s3, place, bytes);
    } catch (thrown) {
      const { name } = thrown as Error;
      if (name === 'ConditionalRequestConflict' && conflicts < CONFLICTS_MAX) continue;
      if (!isConditionFailed(thrown)) throw awsFailure(thrown, `put ${key}`);
      if (isOwnEarlierTry(thrown) && (await isSame(s3, options, key, bytes))) return;
      throw new CustodyError('already-exists', 'the object exists already', { detail: key, cause: thrown });
    }
  }
}

function lockOf({ lock, retentionMs, now }: S3StoreOptions, retention: Retention | undefined) {
  const wanted: Retention = retention ?? {
    lock,
    until: new Date(now().getTime() + retentionMs).toISOString(),
  };
  const earliest = now().getTime() + LOCK_AHEAD_MS;
  return {
    ObjectLockMode: wanted.lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(Math.max(Date.parse(wanted.until), earliest)),
    ...(wanted.hold ? { ObjectLockLegalHoldStatus: 'ON' as const } : {}),
  } as const;
}

type Place = { readonly Bucket: string; readonly Key: string } & ReturnType<typeof lockOf>;

async function putWhole(s3: S3Client, place: Place, bytes: Uint8Array): Promise<void> {
  const checksum = { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: sha256(bytes) } as const;
  const input = { ...place, ...checksum, Body: bytes, IfNoneMatch: '*' };
  await s3.send(new PutObjectCommand(input));
}

/** The lock is given at the beginning, and holds from the moment that the parts become an object. */
async function putInParts(s3: S3Client, place: Place, bytes: Uint8Array): Promise<void> {
  const { Bucket, Key } = place;
  const created = await s3.send(new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'SHA256' }));
  const upload = { Bucket, Key, UploadId: created.UploadId };
  try {
    const Parts: CompletedPart[] = [];
    for (let at = 0; at < bytes.byteLength; at += PART_BYTES) {
      const Body = bytes.subarray(at, at + PART_BYTES);
      const part = { PartNumber: Parts.length + 1, ChecksumSHA256: sha256(Body) };
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, ...part, Body }));
      Parts.push({ ...part, ETag: ETag! });
    }
    await s3.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, IfNoneMatch: '*' }),
    );
  } catch (thrown) {
    // Parts that no object is made of cost money, and nothing else: the bucket's lifecycle removes what this leaves.
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw thrown;
  }
}

async function isSame(
  s3: S3Client,
  options: S3StoreOptions,
  key: string,
  bytes: Uint8Array,
): Promise<boolean> {
  if (!options.mayRead) return true;
  return Buffer.from(await getWhole(s3, options.bucket, key)).equals(bytes);
}

/** A thousand a request, each with its size, in ascending order. */
async function listSizes(s3: S3Client, bucket: string, prefix: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const query = { Bucket: bucket, Prefix: prefix, Delimiter: '/' };
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await reaching(`list ${prefix}`, () =>
      s3.send(new ListObjectsV2Command({ ...query, ...more })),
    );
    for (const { Prefix } of page.CommonPrefixes ?? []) sizes.set(Prefix!.slice(prefix.length, -1), -1);
    for (const { Key, Size } of page.Contents ?? []) sizes.set(Key!.slice(prefix.length), Size!);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  sizes.delete('');
  return new Map([...sizes].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function getWhole(
  s3: S3Client,
  bucket: string,
  key: string,
  atMost = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  return reading(key, async () => {
    const { Body, ContentLength = 0 } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const limit = Math.min(atMost, READ_MAX_BYTES);
    if (ContentLength <= limit) return Body!.transformToByteArray();
    if (Body instanceof Readable) Body.destroy();
    throw ContentLength > READ_MAX_BYTES
      ? tooLong(key, ContentLength)
      : longerThan(atMost, key, ContentLength);
  });
}

async function sizeOf(s3: S3Client, bucket: string, key: string): Promise<number> {
  return reading(key, async () => {
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return ContentLength!;
  });
}

async function reading<T>(key: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof CustodyError) throw thrown;
    const { name } = thrown as Error;
    if (name !== 'NoSuchKey' && name !== 'NotFound') throw awsFailure(thrown, `read ${key}`);
    throw new CustodyError('not-found', 'no such object', { detail: key, cause: thrown });
  }
}

function longerThan(atMost: number, key: string, size: number): CustodyError {
  return new CustodyError('format-invalid', `${key} has ${size} bytes, more than ${atMost}`);
}

function tooLong(key: string, size: number): CustodyError {
  return new CustodyError('state-damaged', 'an object of the store is longer than any that Custody makes', {
    hint: 'somebody wrote to the store; keep it as it is and look into it',
    detail: `${key} is ${size} bytes`,
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Keys come from layout.ts: one that could mean another place is our own mistake. */
function checked(key: string): string {
  if (KEY.test(key)) return key;
  throw new CustodyError('internal', 'this is no key of an object', { detail: JSON.stringify(key) });
}
