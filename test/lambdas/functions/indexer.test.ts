import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askIndexer } from '#adapters/aws/ask-indexer.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { dynamoSessionIndex } from '#adapters/aws/session-index.ts';
import { fingerprintOf, type OcsfEvent } from '#core/ocsf/event.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { framesOf, SAID } from '#test/core/ocsf/support.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { linesOf } from '#test/support/memory-events.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { memoryPorts, opening, slabsOf } from '#test/support/recorder.ts';
import { EXAMPLE } from '#test/support/stacks.ts';

const now = (): Date => new Date();
const CONFIG = readFileSync(join(EXAMPLE, 'custody.yaml'), 'utf8')
  .replace('  orders: #', '  orders-db: #')
  .replace('targets: [orders]', 'targets: [orders-db]')
  .replace(', ca: rds }', ' }')
  .replace('    recording:', "    redact: { patterns: ['name = .[A-Z][a-z]+.'] }\n    recording:");

describe.runIf(hasMoto())('the function that indexes', () => {
  let moto: Moto;
  let bucket: string;
  let eventsBucket: string;
  let table: string;
  let key: string;
  let index: (event: object) => Promise<void>;
  beforeAll(async () => {
    moto = await startMoto();
    const configs = await moto.bucket();
    [table, bucket, eventsBucket, key] = await Promise.all([
      moto.table('sessions'),
      moto.bucket(),
      moto.bucket(),
      moto.signingKey(),
    ]);
    const config = {
      Bucket: configs,
      Key: 'custody.yaml',
      Body: CONFIG,
      ChecksumAlgorithm: 'SHA256',
    } as const;
    await moto.clients.s3.send(new PutObjectCommand(config));
    const tables = ['JOURNAL', 'COORDINATION', 'ACCESS', 'RUNS', 'DELIVERIES'];
    Object.assign(process.env, {
      ...moto.environment,
      ...Object.fromEntries(tables.map((name) => [`CUSTODY_TABLE_${name}`, 'none'])),
      CUSTODY_TABLE_SESSIONS: table,
      CUSTODY_BUCKET: bucket,
      CUSTODY_EVENTS_BUCKET: eventsBucket,
      CUSTODY_CONFIG_BUCKET: configs,
      CUSTODY_SIGNING_KEY: key,
      CUSTODY_LEDGER_ORIGIN: 'ledger.example/custody',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    });
    const { handler } = await import('#lambdas/functions/indexer.ts');
    index = (event) => handler(event as never, contextFor(900_000));
  });
  afterAll(() => moto?.stop());

  const look = { 'detail-type': 'Scheduled Event', detail: {} };
  const put = (object: string) => ({ 'detail-type': 'Object Created', detail: { object: { key: object } } });

  async function sealed(n: number): Promise<string> {
    const store = s3Store(moto.clients.s3, {
      ...{ bucket, lock: 'governance', retentionMs: 86_400_000, mayRead: true, now },
    });
    const signer = kmsSigner(moto.clients.kms, key);
    const catalog = dynamoSessionIndex({ dynamo: moto.clients.dynamo, table, now });
    const opened = { ...opening(n), session: newSessionId(Date.now() + n, Buffer.alloc(10, n)) };
    const recorder = new Recorder({ ...memoryPorts(), index: catalog, signer, sink: store });
    await recorder.open(1, opened, 0);
    const frames = framesOf(SAID).map(({ stream, timeUs, payload }) => ({
      ...{ tape: 1, stream: Stream[stream], timeUs, payload },
    }));
    await recorder.commit(slabsOf(frames, 1));
    await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
    return opened.session;
  }

  async function eventsOf(session: string): Promise<OcsfEvent[]> {
    const { Contents = [] } = await moto.clients.s3.send(
      new ListObjectsV2Command({ Bucket: eventsBucket, Prefix: 'events/' }),
    );
    const keys = Contents.map(({ Key }) => Key!).filter((name) => name.includes(session));
    const objects = await Promise.all(
      keys.map(async (Key) => {
        const { Body } = await moto.clients.s3.send(new GetObjectCommand({ Bucket: eventsBucket, Key }));
        return Body!.transformToByteArray();
      }),
    );
    return linesOf(objects) as unknown as OcsfEvent[];
  }

  it('makes index and events of a session when S3 says that it is sealed, without what its target leaves out', async () => {
    const session = await sealed(1);
    await index(put(`sessions/${session}/close.json.sig`));
    const events = await eventsOf(session);
    expect(events).toHaveLength(9);
    for (const event of events) expect(event.attestation.fingerprint.value).toBe(fingerprintOf(event));
    expect(JSON.stringify(events)).toContain('select email from customers where');
    expect(JSON.stringify(events)).not.toContain('Mia');
    const { Contents = [] } = await moto.clients.s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: `indexes/${session}/` }),
    );
    expect(Contents.length).toBeGreaterThan(1);
    await index(put(`sessions/${session}/close.json.sig`));
    expect(await eventsOf(session)).toEqual(events);
  });

  it('makes those that nobody said anything of, when it looks, and when somebody asks for one', async () => {
    const [missed, wanted] = [await sealed(2), await sealed(3)];
    let time = 0;
    const asked = askIndexer(moto.clients.s3, eventsBucket, () => new Date(time));
    await asked(wanted);
    const wantedAgain = async () => {
      const place = { Bucket: eventsBucket, Key: `wanted/${wanted}` };
      await moto.clients.s3.send(new DeleteObjectCommand(place));
      await asked(wanted);
      const { Contents = [] } = await moto.clients.s3.send(
        new ListObjectsV2Command({ Bucket: eventsBucket, Prefix: place.Key }),
      );
      return Contents.length > 0;
    };
    expect(await wantedAgain()).toBe(false);
    time += 60_000;
    expect(await wantedAgain()).toBe(true);
    await index(put(`wanted/${wanted}`));
    expect(await eventsOf(wanted)).toHaveLength(9);
    expect(await eventsOf(missed)).toEqual([]);
    await index(look);
    expect(await eventsOf(missed)).toHaveLength(9);
  });

  it('tells nothing of evidence that does not verify, and fails, so that somebody looks', async () => {
    const session = await sealed(4);
    const place = { Bucket: bucket, Key: `sessions/${session}/00000000.seg` };
    await moto.clients.s3.send(
      new PutObjectCommand({ ...place, Body: 'nothing', ChecksumAlgorithm: 'SHA256' }),
    );
    await expect(index(put(`sessions/${session}/close.json.sig`))).rejects.toMatchObject({
      code: 'state-damaged',
    });
    expect(await eventsOf(session)).toEqual([]);
    // One says nothing of the others.
    await index(look);
  });
});
