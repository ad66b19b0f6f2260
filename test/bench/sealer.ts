/**
 * `npm run bench:sealer`: how long the sealer needs for the sessions of a dead task, and how much memory. The journal's adapter,
 * the SDK's client and the sealer are the real ones; the journal's table, the store, signer, index and ledger's queue are in
 * memory, behind AWS's modelled latencies (test/support/latency-aws.ts), as an emulator's own CPU time would be most of what is
 * measured. Each scene runs in a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dynamoJournal, placeOf, SHARDS, streamOf } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { encodeEntries } from '#core/recording/journal-record.ts';
import { objectKey } from '#core/recording/layout.ts';
import { Recorder } from '#core/recording/recorder.ts';
import type { Journal } from '#core/recording/ports.ts';
import { sealEnded } from '#core/recording/seal.ts';
import { markedEntry } from '#test/support/journal-entries.ts';
import { JournalTableInMemory } from '#test/support/journal-table.ts';
import { addLatency } from '#test/support/latency-aws.ts';
import { slowPorts } from '#test/support/latency-ports.ts';
import { MemoryLeases } from '#test/support/memory-leases.ts';
import { memoryPorts, opening, putAllAged, slabsOf, textFrame } from '#test/support/recorder.ts';
import { remainsOfEntries } from '#test/support/remains.ts';
import { Rounds } from '#test/support/rounds.ts';

const NOW = new Date('2026-11-23T10:00:00.000Z');
const TASK = opening().gateway.task;
const MINUTE_MS = 61_000;
const PART_BYTES = 384 << 10;
/** Magic, sizes, names and trailer of a journal's record. */
const RECORD_BYTES = 548;

interface Scene {
  readonly sessions: number;
  readonly segments: number;
  /** Bytes of others' frames in the journal, whose sessions are sealed. */
  readonly bulk: number;
}

const SCENES: Readonly<Record<string, Scene>> = {
  '200 sessions that have just begun': { sessions: 200, segments: 0, bulk: 0 },
  '1,000 sessions that have just begun': { sessions: 1_000, segments: 0, bulk: 0 },
  '1,000 sessions with an hour behind them': { sessions: 1_000, segments: 60, bulk: 0 },
  '200 sessions beside 256 MB of bulk': { sessions: 200, segments: 0, bulk: 256 << 20 },
  '200 sessions beside 1 GB of bulk': { sessions: 200, segments: 0, bulk: 1 << 30 },
};

const [wanted] = process.argv.slice(2);
if (wanted === undefined) await runAll();
else process.stdout.write(`${await measure(SCENES[wanted]!)}\n`);

async function runAll(): Promise<void> {
  const [fresh, old] = [await callsInSequence(0), await callsInSequence(60)];
  process.stdout.write(
    `calls in sequence for a session and its task: ${fresh}; with an hour behind it: ${old}\n`,
  );
  for (const name of Object.keys(SCENES)) {
    const args = ['--expose-gc', fileURLToPath(import.meta.url), name];
    process.stdout.write(`${name}: `);
    try {
      process.stdout.write(execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
    } catch (error) {
      process.stdout.write(`failed: ${String(error).split('\n')[0]}\n`);
    }
  }
}

async function measure(scene: Scene): Promise<string> {
  const { table, book, ...parts } = await deadTask(scene);
  addLatency({ dynamo: table.dynamo }, sleep);
  const remainsOf = (task: string) => dynamoJournalRemains(table, task);
  const ports = slowPorts(parts, sleep);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 10);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const { sealed, failures } = await sealEnded(book, remainsOf, ports, NOW);
  const seconds = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  clearInterval(sampling);
  const cpuS = (used.user + used.system) / 1e6;
  return [
    `${sealed} sealed, ${failures.length} not, in ${seconds.toFixed(1)} s`,
    `${cpuS.toFixed(1)} s of CPU`,
    `RSS ${mb(before)} before, ${mb(peak)} at most`,
  ].join('; ');
}

/** For a task with one session, those of the task included. */
async function callsInSequence(segments: number): Promise<number> {
  const { store, signer, index, leaves, journal, book } = await deadTask({ sessions: 1, segments, bulk: 0 });
  const rounds = new Rounds();
  const ports = {
    store: rounds.wrap(store),
    signer: rounds.wrap(signer),
    index: rounds.wrap(index),
    leaves: rounds.wrap(leaves),
  };
  const remains = rounds.wrap(remainsOfEntries(() => journal.entries));
  return rounds.of(sealEnded(rounds.wrap(book), () => remains, ports, NOW));
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** A task that died: what it left in the journal, the store and the index. That of one session is in memory as well. */
async function deadTask({ sessions, segments, bulk }: Scene) {
  const parts = memoryPorts();
  const table = new JournalTableInMemory();
  const inTable = dynamoJournal(table, TASK, () => NOW);
  const { journal } = parts;
  const both: Journal = {
    append: async (entries) => void (await Promise.all([inTable.append(entries), journal.append(entries)])),
    release: (...of) => inTable.release(...of),
  };
  const recorder = new Recorder({ ...parts, journal: sessions === 1 ? both : inTable, sink: parts.store });
  const tapes = Array.from({ length: sessions }, (_, n) => n + 1);
  for (const tape of tapes) await recorder.open(tape, opening(tape), 0);
  for (let minute = 0; minute <= segments; minute += 1) {
    const at = minute * MINUTE_MS;
    const frames = tapes.map((tape) => textFrame(tape, at * 1000, `select ${minute} as session_${tape}`));
    await recorder.commit(slabsOf(frames, at + 1));
    if (minute < segments) await putAllAged(recorder, sessions, at + MINUTE_MS);
  }
  if (bulk > 0) await addBulk(table, parts.store, bulk);
  const book = new MemoryLeases();
  await book.renew(TASK, new Date(NOW.getTime() - 1));
  return { ...parts, table, book };
}

/** Frames of sessions that are sealed: the journal has them still, as a quiet session's oldest entry lies before them. */
async function addBulk(
  table: JournalTableInMemory,
  store: ReturnType<typeof memoryPorts>['store'],
  bulk: number,
) {
  const block = randomBytes(PART_BYTES - RECORD_BYTES);
  const first = Math.max(...table.items.map(({ place }) => Number(place.split('/')[0]))) + 1;
  const perSession = 128;
  for (let n = 0; n < bulk / PART_BYTES; n += 1) {
    const { session } = opening(100_000 + Math.floor(n / perSession));
    const offset = (n % perSession) * block.byteLength;
    if (offset === 0) {
      for (const name of ['open.json', 'open.json.sig', 'close.json', 'close.json.sig'])
        await store.put(objectKey(session, name), Buffer.from('x'));
    }
    const commit = first + n;
    table.add({
      stream: streamOf(TASK, commit % SHARDS),
      place: placeOf(commit),
      low: 0,
      parts: 1,
      bytes: () => encodeEntries([markedEntry({ session, segment: 0, offset, block }, 1)]),
    });
  }
}
