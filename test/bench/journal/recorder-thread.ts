/** A recorder's thread on the modelled ports: what `fargate-proxy/main.ts` is to a task. */
import { parentPort, workerData } from 'node:worker_threads';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { MemoryIndex, MemoryLeaves, memorySigner } from '#test/support/memory-ports.ts';
import { modelledDynamo, modelledSink, type RecorderThreadData } from './modelled-aws.ts';

const { task, timeOrigin, counters, partitions } = workerData as RecorderThreadData;
const count = new Float64Array(counters);
const dynamo = modelledDynamo(count, partitions === undefined ? undefined : new Int32Array(partitions));
serveRecorder(
  parentPort!,
  {
    sink: modelledSink(count),
    signer: memorySigner(),
    journal: dynamoJournal({ dynamo, table: 'journal' }, task, () => new Date()),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task },
  },
  () => performance.timeOrigin + performance.now() - timeOrigin,
);
