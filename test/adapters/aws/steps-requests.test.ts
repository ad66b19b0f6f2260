import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsClients } from '#adapters/aws/clients.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { indexSession, openSessionSteps } from '#core/replay/index/index-session.ts';
import { recorded, statements } from '#test/core/replay/index/support.ts';
import { startCountingAws } from '#test/support/counting-aws.ts';
import { hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('a page of steps out of S3', () => {
  let moto: Moto;
  let counting: Awaited<ReturnType<typeof startCountingAws>>;
  beforeAll(async () => {
    moto = await startMoto();
    counting = await startCountingAws(moto.endpoint);
  });
  afterAll(async () => {
    await counting.stop();
    await moto.stop();
  });

  it('costs as many requests whatever the number of objects that the evidence has', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const { s3 } = awsClients({ region: REGION, endpoint: counting.endpoint, credentials });
    const rest = {
      retentionMs: 86_400_000,
      lock: 'governance',
      mayRead: true,
      now: () => new Date(),
    } as const;
    const store = s3Store(s3, { bucket: await moto.bucket(), ...rest });
    const { signer, session, store: memory } = await recorded(statements(3));
    for (const [key, bytes] of memory.objects) await store.put(key, bytes);
    for (let n = 0; n < 40; n += 1) await store.put(`sessions/${session}/more-${n}`, Buffer.from('more'));
    await indexSession(session, { store, signer });
    counting.take();
    const opened = await openSessionSteps(session, store, signer.der);
    await opened.index!.page({ place: { cursor: 0 }, direction: 'next', limit: 10 });
    const counts = new Map([...counting.take()].map(([name, { calls }]) => [name, calls]));
    expect(counts.get('S3 HEAD')).toBeUndefined();
    expect(counts.get('S3 GET list')).toBe(2);
    // Statements and signatures, the directory and its signature, a page of it, a chunk.
    expect(counts.get('S3 GET')).toBeLessThanOrEqual(14);
  });
});
