import { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { awsClients } from '#adapters/aws/clients.ts';
import { addLatency, modelledMs } from '#test/support/latency-aws.ts';
import { slowPorts } from '#test/support/latency-ports.ts';
import { memoryPorts } from '#test/support/recorder.ts';

interface Answer {
  readonly statusCode: number;
  readonly body: Uint8Array;
}

/** Clients that are answered at once, and what was slept: time is told, and none passes. */
function clients(answers: readonly Answer[] = []) {
  const slept: number[] = [];
  const events: string[] = [];
  const left = [...answers];
  const made = awsClients({
    region: 'eu-central-1',
    endpoint: 'http://aws.invalid',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  for (const client of [made.s3, made.dynamo, made.kms]) client.config.requestHandler = { handle } as never;
  addLatency(made, async (ms) => {
    slept.push(ms);
    events.push('slept');
  });
  return { ...made, slept, events };

  async function handle(): Promise<object> {
    events.push('asked');
    const { statusCode, body } = left.shift() ?? { statusCode: 200, body: Buffer.from('{}') };
    const headers = { 'content-length': String(body.byteLength) };
    return { response: { statusCode, body: Readable.from([body]), headers } };
  }
}

const object = { Bucket: 'b', Key: 'k' };

describe('the modelled latency of AWS', () => {
  it('passes before the call, and what is answered takes its time as well', async () => {
    const { s3, slept, events } = clients([{ statusCode: 200, body: Buffer.alloc(800_000) }]);
    await s3.send(new GetObjectCommand(object));
    expect([slept, events]).toEqual([
      [20, 10],
      ['slept', 'asked', 'slept'],
    ]);
  });

  it('of a put grows with what is put', async () => {
    const { s3, slept } = clients([{ statusCode: 200, body: Buffer.alloc(0) }]);
    await s3.send(new PutObjectCommand({ ...object, Body: Buffer.alloc(8_000_000) }));
    expect(slept).toEqual([45 + 100]);
  });

  it('is of each service and call, through the document client too', async () => {
    const { dynamo, slept } = clients();
    await dynamo.send(new GetCommand({ TableName: 't', Key: { id: 'x' } }));
    const Put = { TableName: 't', Item: { id: 'x' } };
    await dynamo.send(new TransactWriteCommand({ TransactItems: [{ Put }] }));
    expect(slept).toEqual([5, 15]);
  });

  it('passes again for each attempt', async () => {
    const bad = { statusCode: 500, body: Buffer.from('') };
    const { s3, slept } = clients([bad, { statusCode: 200, body: Buffer.from('<ListBucketResult/>') }]);
    s3.config.retryStrategy = async () => ({
      acquireInitialRetryToken: async () => ({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
      refreshRetryTokenForRetry: async () => ({ getRetryCount: () => 1, getRetryDelay: () => 0 }),
      recordSuccess: () => undefined,
    });
    await s3.send(new ListObjectsV2Command({ Bucket: 'b' }));
    expect(slept.filter((ms) => ms === 30)).toEqual([30, 30]);
  });

  it('of a call that nobody has modelled is none: it says so', () => {
    expect(() => modelledMs('S3', 'RestoreObject')).toThrow('no latency is modelled for S3 RestoreObject');
  });

  it('is had by ports in memory as well, of which no more are asked at once than there are sockets', async () => {
    const slept: number[] = [];
    const asleep: (() => void)[] = [];
    const sleep = (ms: number): Promise<void> => {
      slept.push(ms);
      return new Promise((go) => asleep.push(go));
    };
    const { store } = slowPorts(memoryPorts(), sleep);
    const all = Promise.all(Array.from({ length: 100 }, (_, n) => store.put(`a/${n}`, Buffer.alloc(80_000))));
    expect([slept.length, slept[0]]).toEqual([64, 46]);
    for (let go = asleep.shift(); go !== undefined; go = asleep.shift()) {
      go();
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
    }
    await all;
    expect(slept).toHaveLength(100);
  });
});
