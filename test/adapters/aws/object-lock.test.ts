import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3StoreOptions, s3Store } from '#adapters/aws/s3-store.ts';
import type { Retention } from '#core/recording/ports.ts';
import { recordingStoreContract } from '#test/contract/recording-store.ts';
import { eventually } from '#test/support/clients.ts';
import { bytesOf, lockOf, type ObjectVersion, setLock, versionsOf } from '#test/support/object-lock.ts';
import { hasRadosgw, type Radosgw, startRadosgw } from '#test/support/radosgw.ts';

// Dates so far away that no test of today reaches them.
const EARLIER = '2097-01-01T00:00:00.000Z';
const UNTIL = '2098-01-01T00:00:00.000Z';
const LATER = '2099-01-01T00:00:00.000Z';
const DAY_MS = 24 * 3_600_000;
const KEY = 'sessions/a/00000000.seg';
const CONTENT = Buffer.from('what was recorded');
const LOCKS = ['governance', 'compliance'] as const;

const options: Omit<S3StoreOptions, 'bucket'> = {
  retentionMs: DAY_MS,
  lock: 'governance',
  mayRead: true,
  now: () => new Date(),
};

describe.runIf(hasRadosgw())('evidence under a real Object Lock', () => {
  let gateway: Radosgw;
  let s3: S3Client;
  beforeAll(async () => {
    gateway = await startRadosgw();
    s3 = gateway.clients.s3;
  });
  afterAll(() => gateway?.stop());

  recordingStoreContract('radosgw', async () => s3Store(s3, { ...options, bucket: await gateway.bucket() }), {
    putOnce: 'radosgw of Ceph 16 does not know If-None-Match on a put; s3-store.test.ts shows it on moto',
  });

  /** What the store put, under `lock` until UNTIL, in a bucket of its own. */
  async function stored(lock: Retention['lock']): Promise<ObjectVersion> {
    const bucket = await gateway.bucket();
    await s3Store(s3, { ...options, bucket }).put(KEY, CONTENT, { lock, until: UNTIL });
    const [version] = await versionsOf(s3, bucket);
    return version!;
  }

  /** Somebody who may do all in the bucket but pass by a GOVERNANCE lock. */
  async function almighty({ Bucket }: ObjectVersion): Promise<S3Client> {
    const { arn, s3: client } = gateway.user();
    const whom = {
      Principal: { AWS: [arn] },
      Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
    };
    const Statement = [
      { Effect: 'Allow', Action: 's3:*', ...whom },
      { Effect: 'Deny', Action: 's3:BypassGovernanceRetention', ...whom },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    return client;
  }

  function remove(version: ObjectVersion, { by = s3, bypass = false } = {}) {
    return by.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: bypass }));
  }

  const refused = { name: 'AccessDenied', message: 'forbidden by object lock' };

  describe('the lock of a put', () => {
    it.each(LOCKS)('is the one asked for: %s', async (lock) => {
      const version = await stored(lock);
      expect(await lockOf(s3, version)).toEqual({ lock, until: UNTIL });
    });

    it('is the store’s own rule for an object that asks for nothing', async () => {
      const bucket = await gateway.bucket();
      const rule = { lock: 'compliance', retentionMs: 2 * DAY_MS, now: () => new Date(EARLIER) } as const;
      await s3Store(s3, { ...options, ...rule, bucket }).put(KEY, CONTENT);
      const [version] = await versionsOf(s3, bucket);
      const until = new Date(Date.parse(EARLIER) + 2 * DAY_MS).toISOString();
      expect(await lockOf(s3, version!)).toEqual({ lock: 'compliance', until });
    });

    it('is refused, and nothing stored, in a bucket without Object Lock', async () => {
      const bucket = 'custody-unlocked';
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
      const store = s3Store(s3, { ...options, bucket });
      await expect(store.put(KEY, CONTENT, { lock: 'governance', until: UNTIL })).rejects.toMatchObject({
        code: 'store-unavailable',
      });
      expect(await versionsOf(s3, bucket)).toEqual([]);
    });
  });

  describe('a stored object’s version', () => {
    it.each(LOCKS)('cannot be deleted (%s)', async (lock) => {
      const version = await stored(lock);
      await expect(remove(version)).rejects.toMatchObject(refused);
      expect(await bytesOf(s3, version)).toEqual(CONTENT);
    });

    it.each(LOCKS)('cannot be deleted by one who may do all but bypass (%s)', async (lock) => {
      const version = await stored(lock);
      const by = await almighty(version);
      await expect(remove(version, { by, bypass: true })).rejects.toMatchObject(refused);
      expect(await bytesOf(by, version)).toEqual(CONTENT);
    });

    it('cannot be deleted under COMPLIANCE even by the bucket’s owner with the right to bypass', async () => {
      const version = await stored('compliance');
      await expect(remove(version, { bypass: true })).rejects.toMatchObject(refused);
      expect(await bytesOf(s3, version)).toEqual(CONTENT);
    });

    it('can be deleted under GOVERNANCE by one with the right to bypass: what compliance is for', async () => {
      const version = await stored('governance');
      await remove(version, { bypass: true });
      expect(await versionsOf(s3, version.Bucket)).toEqual([]);
    });

    it('is still there, byte for byte, after somebody put and deleted the key', async () => {
      const version = await stored('governance');
      const { Bucket, Key } = version;
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'something else' }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      const versions = await versionsOf(s3, Bucket);
      expect(versions).toHaveLength(2);
      expect(versions).toContainEqual(version);
      expect(await bytesOf(s3, version)).toEqual(CONTENT);
      await expect(remove(version)).rejects.toMatchObject(refused);
    });
  });

  describe('a lock', () => {
    it.each(LOCKS)('cannot be shortened (%s)', async (lock) => {
      const version = await stored(lock);
      const by = await almighty(version);
      for (const client of lock === 'compliance' ? [s3, by] : [by]) {
        const shorter = setLock(client, version, { lock, until: EARLIER }, { bypass: true });
        await expect(shorter).rejects.toMatchObject({ name: 'AccessDenied' });
      }
      expect(await lockOf(s3, version)).toEqual({ lock, until: UNTIL });
    });

    it('cannot be made GOVERNANCE from COMPLIANCE, even when it is extended', async () => {
      const version = await stored('compliance');
      for (const until of [UNTIL, LATER]) {
        const weaker = setLock(s3, version, { lock: 'governance', until }, { bypass: true });
        await expect(weaker).rejects.toMatchObject({ name: 'AccessDenied' });
      }
      expect(await lockOf(s3, version)).toEqual({ lock: 'compliance', until: UNTIL });
    });

    it.each(LOCKS)('can be extended (%s)', async (lock) => {
      const version = await stored(lock);
      await setLock(s3, version, { lock, until: LATER });
      expect(await lockOf(s3, version)).toEqual({ lock, until: LATER });
    });
  });

  describe('a legal hold', () => {
    function hold(version: ObjectVersion, Status: 'ON' | 'OFF') {
      return s3.send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status } }));
    }

    it('keeps an object from one with the right to bypass', async () => {
      const version = await stored('governance');
      await hold(version, 'ON');
      await expect(remove(version, { bypass: true })).rejects.toMatchObject(refused);
      await hold(version, 'OFF');
      await remove(version, { bypass: true });
    });

    it('keeps an object after its date', async () => {
      const Bucket = await gateway.bucket();
      // Both dates are over when the object that nothing holds can be deleted.
      const [held, control] = [
        await lockedForAMoment(Bucket, 'held'),
        await lockedForAMoment(Bucket, 'control'),
      ];
      await hold(held, 'ON');
      await eventually('the date to pass', () => succeeds(remove(control)));
      await expect(remove(held)).rejects.toMatchObject(refused);
      await hold(held, 'OFF');
      await remove(held);
      expect(await versionsOf(s3, Bucket)).toEqual([]);
    });

    /** A stalled machine tries again: a date that is over is refused. */
    function lockedForAMoment(Bucket: string, Key: string): Promise<ObjectVersion> {
      return eventually('a put before its date', async () => {
        const ObjectLockRetainUntilDate = new Date(Date.now() + 2_000);
        const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate } as const;
        const put = s3.send(new PutObjectCommand({ Bucket, Key, Body: CONTENT, ...lock }));
        const { VersionId } = await put.catch(() => ({ VersionId: undefined }));
        return VersionId === undefined ? undefined : { Bucket, Key, VersionId };
      });
    }
  });
});

async function succeeds(work: Promise<unknown>): Promise<true | undefined> {
  return work.then(
    () => true,
    () => undefined,
  );
}
