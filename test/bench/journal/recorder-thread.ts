/** A recorder's thread on the modelled ports: what `fargate-proxy/main.ts` is to a task. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { dynamoJournal } from '#adapters/aws/journal.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { openJournal } from '#adapters/local/journal.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { MemoryIndex, MemoryLeaves, memorySigner } from '#test/support/memory-ports.ts';
import { modelledDynamo, modelledSink, type RecorderThreadData } from './modelled-aws.ts';

const { task, timeOrigin, counters, partitions, folder, appends } = workerData as RecorderThreadData;
const count = new Float64Array(counters);
serveRecorder(
  parentPort!,
  {
    ...(folder === undefined ? onAws() : await onLaptop(folder)),
    signer: memorySigner(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task },
  },
  { now: () => performance.timeOrigin + performance.now() - timeOrigin },
);

function onAws() {
  const dynamo = modelledDynamo(count, partitions === undefined ? undefined : new Int32Array(partitions));
  const journal = dynamoJournal({ dynamo, table: 'journal' }, task, () => new Date());
  if (appends !== undefined) Object.assign(journal, { appendsAtOnce: appends });
  return { sink: modelledSink(count), journal };
}

/** Nothing modelled: files. */
async function onLaptop(dataDir: string) {
  return {
    sink: directoryStore(join(dataDir, 'store')),
    journal: await openJournal(join(dataDir, 'journal'), task),
  };
}
