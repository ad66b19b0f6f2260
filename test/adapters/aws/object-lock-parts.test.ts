import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectLockConfigurationCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3StoreOptions, s3Store } from '#adapters/aws/s3-store.ts';
import { bytesOf, lockOf, uploadsOf, versionsOf } from '#test/support/object-lock.ts';
import { hasRadosgw, type Radosgw, startRadosgw } from '#test/support/radosgw.ts';

const UNTIL = '2098-01-01T00:00:00.000Z';
const KEY = 'sessions/a/00000000.seg';
const PART_BYTES = 6 << 20;

const options: Omit<S3StoreOptions, 'bucket'> = {
  retentionMs: 24 * 3_600_000,
  lock: 'governance',
  mayRead: true,
  now: () => new Date(),
};

describe.runIf(hasRadosgw())('an object in parts under a real Object Lock', () => {
  let gateway: Radosgw;
  let s3: S3Client;
  beforeAll(async () => {
    gateway = await startRadosgw();
    s3 = gateway.clients.s3;
  });
  afterAll(() => gateway?.stop());

  const large = randomBytes(33 << 20);
  const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(UNTIL) } as const;

  /**
   * radosgw of Ceph 16 takes the lock of an object in parts from the bucket's rule only, and not from the request that
   * begins it; so the rule is what these show, and the request is looked at on the wire.
   */
  async function ruledBucket(): Promise<string> {
    const Bucket = await gateway.bucket();
    const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Years: 30 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    return Bucket;
  }

  it('is locked from its first moment', async () => {
    const bucket = await ruledBucket();
    await s3Store(s3, { ...options, bucket }).put(KEY, large, { lock: 'compliance', until: UNTIL });
    const [version] = await versionsOf(s3, bucket);
    expect(await lockOf(s3, version!)).toMatchObject({ lock: 'compliance' });
    const removal = new DeleteObjectCommand({ ...version!, BypassGovernanceRetention: true });
    await expect(s3.send(removal)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect((await bytesOf(s3, version!)).equals(large)).toBe(true);
  });

  it('asks for its lock when it begins, and to be put once when it ends', async () => {
    const bucket = await ruledBucket();
    const client = gateway.ownClient();
    const sent = requestsOf(client);
    await s3Store(client, { ...options, bucket }).put(KEY, large, { lock: 'compliance', until: UNTIL });
    expect(sent.map(({ command }) => command)).toEqual([
      'CreateMultipartUploadCommand',
      ...Array.from({ length: 5 }, () => 'UploadPartCommand'),
      'CompleteMultipartUploadCommand',
    ]);
    expect(sent[0]!.headers).toMatchObject({
      'x-amz-object-lock-mode': 'COMPLIANCE',
      'x-amz-object-lock-retain-until-date': UNTIL.replace('.000', ''),
    });
    expect(sent.at(-1)!.headers).toMatchObject({ 'if-none-match': '*' });
  });

  it('is no object before it is complete, nor when it is given up', async () => {
    const place = { Bucket: await ruledBucket(), Key: KEY };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...place, ...lock }));
    const part = { ...place, UploadId, PartNumber: 1, Body: large.subarray(0, PART_BYTES) };
    await s3.send(new UploadPartCommand(part));
    await expect(s3.send(new HeadObjectCommand(place))).rejects.toMatchObject({ name: 'NotFound' });
    expect(await versionsOf(s3, place.Bucket)).toEqual([]);
    await s3.send(new AbortMultipartUploadCommand({ ...place, UploadId }));
    expect(await versionsOf(s3, place.Bucket)).toEqual([]);
  });

  it('leaves neither object nor parts when a part cannot be sent', async () => {
    const bucket = await ruledBucket();
    const client = gateway.ownClient();
    const sent = requestsOf(client);
    failSecondPart(client);
    const store = s3Store(client, { ...options, bucket });
    await expect(store.put(KEY, large)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(sent.map(({ command }) => command)).toEqual([
      'CreateMultipartUploadCommand',
      'UploadPartCommand',
      'AbortMultipartUploadCommand',
    ]);
    expect(await versionsOf(s3, bucket)).toEqual([]);
    expect(await uploadsOf(s3, bucket)).toEqual([]);
  });
});

interface Sent {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What `client` sends from now on. */
function requestsOf(client: S3Client): readonly Sent[] {
  const sent: Sent[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { headers } = args.request as Sent;
      sent.push({ command: String(context.commandName), headers });
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  return sent;
}

function failSecondPart(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      if ((args.input as { PartNumber?: number }).PartNumber === 2) throw new Error('the line is cut');
      return next(args);
    },
    { step: 'initialize' },
  );
}
