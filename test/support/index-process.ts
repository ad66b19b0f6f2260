/** A process of its own on a session index. Arguments: file, then `write` (until killed) or `read` (until stdin ends). */
import { setImmediate } from 'node:timers/promises';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { OUTCOME, sessionRecord } from './session-records.ts';

const [file, mode] = process.argv.slice(2);
const index = openSessionIndex(file!);
const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();

if (mode === 'write') await writeForEver();
await readUntilStopped();

async function writeForEver(): Promise<never> {
  for (let n = 0; ; n += 1) {
    await index.opened(sessionRecord(n));
    process.stdout.write(`${sessionRecord(n).id}\n`);
    if (n % 2 === 0) await index.closed(sessionRecord(n).id, OUTCOME);
    await setImmediate();
  }
}

async function readUntilStopped(): Promise<void> {
  let last = 0;
  process.stdout.write('reading\n');
  while (!stop.signal.aborted) {
    const { sessions } = await index.list({ limit: 1000 });
    const ids = sessions.map(({ id }) => id);
    if (ids.length < last || new Set(ids).size !== ids.length) process.exit(3);
    last = ids.length;
    await setImmediate();
  }
  process.stdout.write(`saw ${last}\n`);
}
