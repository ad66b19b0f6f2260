/**
 * node test/bench/commit-cpu.ts [SESSIONS,… [COMMITS]]: what the recorder itself does for a write-ahead commit, by so many sessions in
 * it: a request and an answer of each. CPU µs of a commit and of one more session, with a journal that encodes and writes nothing.
 */
import { encodeEntries } from '#core/recording/journal-record.ts';
import { Stream } from '#core/recording/format.ts';
import { SlabReader, SlabWriter, lastTimeMs, newSlab } from '#core/recording/slab.ts';
import { memoryRecorder, opening } from '#test/support/recorder.ts';

const [counts = '1,8,32,64', commits = '3000'] = process.argv.slice(2);
const request = Buffer.from(`B${'x'.repeat(40)}select abalance from pgbench_accounts`);
const answer = Buffer.from(`2\0\0\0\u0004D\0\0\0\u0015\0\u0001\0\0\0\u000b-4321CSELECT 1Z${'y'.repeat(50)}`);
for (const count of counts.split(',').map(Number)) {
  const { recorder, journal } = memoryRecorder();
  let bytes = 0;
  journal.append = (entries) => {
    bytes += encodeEntries(entries).byteLength;
    return Promise.resolve();
  };
  for (let tape = 1; tape <= count; tape += 1) {
    await recorder.open(tape, opening(tape, 'write-ahead'), 0);
  }
  const run = async (n: number): Promise<number> => {
    let spent = 0;
    for (let i = 0; i < n; i += 1) {
      const slab = new SlabWriter(newSlab());
      for (let tape = 1; tape <= count; tape += 1) {
        slab.append(tape, Stream.target, 0, i * 100, answer, answer.length, i);
        slab.append(tape, Stream.client, 0, i * 100 + 50, request, request.length, i);
      }
      const range = new SlabReader(slab.buffer).take()!;
      const t = process.hrtime.bigint();
      await recorder.commit([{ ...range, at: lastTimeMs(range) }]);
      spent += Number(process.hrtime.bigint() - t);
    }
    return spent / n / 1000;
  };
  await run(Number(commits) / 3);
  const us: number[] = [];
  for (let r = 0; r < 5; r += 1) us.push(await run(Number(commits) / 5));
  us.sort((a, b) => a - b);
  console.log(
    `${count} sessions: ${us[2]!.toFixed(1)} µs a commit, ${(us[2]! / count).toFixed(1)} a session`,
  );
}
