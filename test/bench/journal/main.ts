/**
 * What a stream of rows in one session does to the journal and to everybody else of its task, on the real tapes and recorder and
 * a modelled AWS. `npm run bench:journal -- [--seconds 15] [--only ahead,streams,throttled,ageing,closing,laptop]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Stream } from '#core/recording/format.ts';
import { Count, UNITS_PER_PARTITION } from './modelled-aws.ts';
import { BenchTask, hurried, type Paused, quiet, statements, stream } from './relay.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    only: { type: 'string', default: 'ahead,streams,throttled,ageing,closing,laptop' },
  },
});
const seconds = Number(values.seconds);
const only = values.only.split(',');

// In turns, one append at a time and as many as the journal takes.
if (only.includes('ahead'))
  for (const clients of [1, 8, 64]) for (const appends of [1, undefined]) say(await ahead(clients, appends));
if (only.includes('streams')) for (const mbPerS of [0, 5, 20, 60]) say(await beside(mbPerS));
if (only.includes('throttled')) for (const tasks of [1, 2]) say(await throttled(tasks, 20, 4));
if (only.includes('throttled')) say(await throttled(2, 20, 16));
// Each a little too slow for S3, and together too much for a new table.
if (only.includes('throttled')) say(await throttled(6, 5, 4));
if (only.includes('ageing')) say(await ageing(1_000));
if (only.includes('closing')) say(await closing(1_000));
if (only.includes('laptop')) for (const clients of [0, 1, 8, 64]) say(await onLaptop(clients));
process.exit(0);

/** Write-ahead sessions, each with a statement in 20 to 80 ms, and as many windowed ones that say a little. */
async function ahead(clients: number, appends: number | undefined) {
  const task = new BenchTask('task', { appends });
  const opened = (durability: 'write-ahead' | 'windowed') =>
    Promise.all(Array.from({ length: clients }, () => task.open(durability)));
  const [tapes, others] = await Promise.all([opened('write-ahead'), opened('windowed')]);
  const until = performance.now() + seconds * 1000;
  const [times] = await Promise.all([
    Promise.all(tapes.map((tape) => statements(tape, until))),
    Promise.all(others.map((tape) => quiet(tape, until))),
  ]);
  const all = times.flat();
  const figures = {
    statementMs: quantiles(all),
    perS: Math.round(all.length / seconds),
    ...counted(task.count),
  };
  await task.stop();
  return {
    ...{ ahead: clients, appends: appends ?? 'as many as it takes' },
    ...figures,
    writeUnitsEach: round((figures.writeUnitsPerS * seconds) / all.length),
    ended: task.ended.length,
  };
}

/** One stream, and a quiet session of each kind beside it; nothing is ever throttled. */
async function beside(mbPerS: number) {
  const task = new BenchTask('task');
  const [bulk, ahead, still] = await Promise.all([task.open(), task.open('write-ahead'), task.open()]);
  const until = performance.now() + seconds * 1000;
  const [sent, times, paused] = await Promise.all([
    mbPerS === 0 ? sleep(until - performance.now(), 0) : stream(bulk, mbPerS * 1e6, until),
    statements(ahead, until),
    quiet(still, until),
  ]);
  const figures = { stream: mbPerS, sentMBperS: round(sent / 1e6 / seconds), ...counted(task.count) };
  await task.stop();
  return { ...figures, statementMs: quantiles(times), pausedMs: whole(paused), ended: task.ended.length };
}

/** A table of `partitions`, and tasks of which each has one stream and a quiet session. */
async function throttled(tasks: number, mbPerS: number, partitions: number) {
  const capacity = new SharedArrayBuffer(partitions * Int32Array.BYTES_PER_ELEMENT);
  const stop = refill(new Int32Array(capacity));
  const running = Array.from(
    { length: tasks },
    (_, n) => new BenchTask(`task-${n}`, { partitions: capacity }),
  );
  const opened = await Promise.all(running.map((task) => Promise.all([task.open(), task.open()])));
  const until = performance.now() + seconds * 1000;
  const pauses = await Promise.all(
    opened.map(async ([bulk, still]) => {
      const [, paused] = await Promise.all([stream(bulk, mbPerS * 1e6, until), quiet(still, until)]);
      return paused;
    }),
  );
  stop();
  const refused = running.map(({ count }) => count[Count.throttled]);
  await Promise.all(running.map((task) => task.stop()));
  return {
    ...{ tasks, stream: mbPerS, partitions, throttled: refused },
    quietPausedPercent: pauses.map(({ all }) => round((100 * all) / (seconds * 1000))),
    longestPauseMs: pauses.map(({ longest }) => Math.round(longest)),
    sessionsEnded: running.map(({ ended }) => ended.length),
  };
}

/** Sessions that began together, each with a word now and then, until all of them are a minute old. */
async function ageing(sessions: number) {
  const task = new BenchTask('task');
  const tapes = await Promise.all(Array.from({ length: sessions }, () => task.open()));
  const [ahead, still] = await Promise.all([task.open('write-ahead'), task.open()]);
  const text = Buffer.from('select 1');
  for (const tape of tapes) tape.record(Stream.client, text, text.byteLength);
  await sleep(25_000);
  const until = performance.now() + 45_000;
  const [times, paused] = await Promise.all([statements(ahead, until), quiet(still, until), chatter()]);
  const { segments } = counted(task.count);
  await task.stop();
  return {
    ageing: sessions,
    segments,
    statementMs: quantiles(times),
    pausedMs: whole(paused),
    ended: task.ended.length,
  };

  async function chatter(): Promise<void> {
    while (performance.now() < until) {
      for (const tape of tapes) tape.record(Stream.client, text, text.byteLength);
      await sleep(4_000);
    }
  }
}

/** All at once, as at SIGTERM. */
async function closing(sessions: number) {
  const task = new BenchTask('task');
  const tapes = await Promise.all(Array.from({ length: sessions }, () => task.open()));
  const text = Buffer.from('select 1');
  for (const tape of tapes) tape.record(Stream.client, text, text.byteLength);
  await sleep(1_000);
  const began = performance.now();
  const ending = { reason: 'drained', endedAt: new Date().toISOString() } as const;
  await Promise.all(tapes.map((tape) => tape.close(ending)));
  const ms = Math.round(performance.now() - began);
  await task.stop();
  return { closing: sessions, ms };
}

/** On files: how much one stream brings through, or how many statements so many write-ahead clients. */
async function onLaptop(clients: number) {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-journal-'));
  const task = new BenchTask('task', { folder });
  try {
    const tapes = await Promise.all(
      Array.from({ length: Math.max(1, clients) }, () =>
        task.open(clients === 0 ? 'windowed' : 'write-ahead'),
      ),
    );
    const cpu = process.cpuUsage();
    const until = performance.now() + seconds * 1000;
    const sent = clients === 0 ? await stream(tapes[0]!, 1e9, until) : 0;
    const counts = clients === 0 ? [] : await Promise.all(tapes.map((tape) => hurried(tape, until)));
    const { user, system } = process.cpuUsage(cpu);
    const all = counts.reduce((sum, count) => sum + count, 0);
    return {
      laptop: clients === 0 ? 'stream' : `${clients} write-ahead`,
      ...(clients === 0 ? { MBperS: round(sent / 1e6 / seconds) } : { perS: Math.round(all / seconds) }),
      cpuMs: Math.round((user + system) / 1000),
      ended: task.ended,
    };
  } finally {
    await task.stop();
    rmSync(folder, { recursive: true });
  }
}

function refill(partitions: Int32Array): () => void {
  partitions.fill(UNITS_PER_PARTITION);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const more = Math.floor(((now - last) / 1000) * UNITS_PER_PARTITION);
    last += (more * 1000) / UNITS_PER_PARTITION;
    for (let at = 0; at < partitions.length; at += 1) {
      const left = Atomics.load(partitions, at);
      Atomics.add(partitions, at, Math.min(more, UNITS_PER_PARTITION - left));
    }
  }, 10);
  return () => clearInterval(timer);
}

function counted(count: Float64Array) {
  const [units = 0, journaled = 0, stored = 0, segments = 0] = count;
  return {
    itemsPerS: Math.round(count[Count.items]! / seconds),
    writeUnitsPerS: Math.round(units / seconds),
    journalMBperS: round(journaled / 1e6 / seconds),
    segmentMBperS: round(stored / 1e6 / seconds),
    segments,
  };
}

function quantiles(times: number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(10 * (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN)) / 10;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), of: sorted.length };
}

function whole({ all, longest }: Paused) {
  return { all: Math.round(all), longest: Math.round(longest) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function say(figures: unknown): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
