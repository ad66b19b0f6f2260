/** DynamoDB and S3 as far as a recorder feels them: how long they take, what they count, and when they say no. */
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { JournalItem } from '#adapters/aws/journal.ts';
import type { RecordingSink } from '#core/recording/ports.ts';

const JOURNAL_MS = 5;
const S3_MS = Number(process.env['CUSTODY_BENCH_S3_MS'] ?? 45);
const S3_BYTES_PER_MS = 80_000;
/** adapters/aws/clients.ts */
const SOCKETS = 64;
/** The SDK's standard mode: four attempts, a random share of a pause that doubles. */
const ATTEMPTS = 4;
const BACKOFF_MS = 50;
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html */
export const UNITS_PER_PARTITION = 1_000;

/** What is counted, by its place in the shared memory. */
export const Count = {
  writeUnits: 0,
  journalBytes: 1,
  segmentBytes: 2,
  segments: 3,
  throttled: 4,
  items: 5,
  all: 6,
} as const;

export interface RecorderThreadData {
  readonly task: string;
  /** Of the relay's thread. */
  readonly timeOrigin: number;
  readonly counters: SharedArrayBuffer;
  /** What each partition may still write; none where nothing is ever throttled. */
  readonly partitions: SharedArrayBuffer | undefined;
  /** Of a gateway on a laptop; modelled AWS where there is none. */
  readonly folder: string | undefined;
  /** Of the journal at once; as many as it takes, where it is not given. */
  readonly appends: number | undefined;
}

/** Takes the journal's puts. */
export function modelledDynamo(count: Float64Array, partitions?: Int32Array): DynamoDBDocumentClient {
  const send = async ({ input }: { input: { Item: JournalItem } }): Promise<unknown> => {
    const { stream, bytes } = input.Item;
    const units = Math.ceil((bytes.byteLength + 100) / 1024);
    for (let attempt = 1; ; attempt += 1) {
      await sleep(JOURNAL_MS * jitter());
      if (partitions === undefined || admits(partitions, stream, units)) break;
      count[Count.throttled]! += 1;
      if (attempt === ATTEMPTS) throw throttled(attempt);
      await sleep(Math.random() * BACKOFF_MS * 2 ** (attempt - 1));
    }
    count[Count.writeUnits]! += units;
    count[Count.journalBytes]! += bytes.byteLength;
    count[Count.items]! += 1;
    return {};
  };
  return { send } as unknown as DynamoDBDocumentClient;
}

/** Takes objects and forgets them, over as many connections as the client has. */
export function modelledSink(count: Float64Array): RecordingSink {
  let busy = 0;
  const waiting: (() => void)[] = [];
  async function connected(work: () => Promise<unknown>): Promise<void> {
    if (busy === SOCKETS) await new Promise<void>((free) => waiting.push(free));
    else busy += 1;
    await work();
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  }
  return {
    put: async (key, bytes) => {
      await connected(() => sleep((S3_MS + bytes.byteLength / S3_BYTES_PER_MS) * jitter()));
      if (!key.endsWith('.seg')) return;
      count[Count.segmentBytes]! += bytes.byteLength;
      count[Count.segments]! += 1;
    },
  };
}

function admits(partitions: Int32Array, stream: string, units: number): boolean {
  const at = crc32(stream) % partitions.length;
  if (Atomics.load(partitions, at) <= 0) return false;
  Atomics.sub(partitions, at, units);
  return true;
}

function throttled(attempts: number): Error {
  return Object.assign(new Error('the partition has no capacity left'), {
    name: 'ProvisionedThroughputExceededException',
    $metadata: { attempts },
    $fault: 'client',
  });
}

/** Mostly a little less, at times three times as long. */
function jitter(): number {
  return 0.8 + 0.2 * Math.min(11, -Math.log(1 - Math.random()));
}
