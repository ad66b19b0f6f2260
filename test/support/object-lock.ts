import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Retention } from '#core/recording/ports.ts';

/** One version of an object, as every request names it. */
export interface ObjectVersion {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId: string;
}

/** Every version in the bucket, newest first under each key; delete markers are none. */
export async function versionsOf(s3: S3Client, Bucket: string): Promise<readonly ObjectVersion[]> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return Versions.map(({ Key, VersionId }) => ({ Bucket, Key: Key!, VersionId: VersionId! }));
}

/** Keys of the uploads in parts that are under way. */
export async function uploadsOf(s3: S3Client, Bucket: string): Promise<readonly string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ Key }) => Key!);
}

export async function bytesOf(s3: S3Client, version: ObjectVersion): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ ...version }));
  return Buffer.from(await Body!.transformToByteArray());
}

/** The lock that a version has; undefined when it has none. */
export async function lockOf(s3: S3Client, version: ObjectVersion): Promise<Retention | undefined> {
  const head = await s3.send(new HeadObjectCommand({ ...version }));
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = head;
  if (mode === undefined || until === undefined) return undefined;
  return { lock: mode === 'COMPLIANCE' ? 'compliance' : 'governance', until: until.toISOString() };
}

/** Asks for another lock on a version. `bypass`: with the right to pass by GOVERNANCE, where the caller has it. */
export async function setLock(
  s3: S3Client,
  version: ObjectVersion,
  { lock, until }: Retention,
  { bypass = false } = {},
): Promise<void> {
  const Mode = lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
  const Retention = { Mode, RetainUntilDate: new Date(until) } as const;
  const input = { ...version, Retention, BypassGovernanceRetention: bypass };
  await s3.send(new PutObjectRetentionCommand(input));
}
