/** A process of its own that opens sessions in a data folder until it is killed, and says which. Argument: the folder. */
import { openLoggedFolder } from '#adapters/local/store-log/folder.ts';
import { sessionRecord } from './session-records.ts';

const { store, index, leaves } = openLoggedFolder(process.argv[2]!, 'task-1');
for (let n = 0; ; n += 1) {
  const record = sessionRecord(n);
  await index.opened(record);
  const key = `sessions/${record.id}/open.json`;
  await Promise.all([store.put(`${key}.sig`, Buffer.from('signed')), store.put(key, Buffer.from('opened'))]);
  await leaves.add(Buffer.from(record.id));
  process.stdout.write(`${record.id}\n`);
}
