import { afterAll, beforeAll, describe } from 'vitest';
import { type S3StoreOptions, s3Store } from '#adapters/aws/s3-store.ts';
import { recordingStoreContract } from '#test/contract/recording-store.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const options: Omit<S3StoreOptions, 'bucket'> = {
  retentionMs: 24 * 3_600_000,
  lock: 'governance',
  mayRead: true,
  now: () => new Date(),
};

describe.runIf(hasMoto())('evidence in S3', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  recordingStoreContract('S3', async () =>
    s3Store(moto.clients.s3, { bucket: await moto.bucket(), ...options }),
  );
});
