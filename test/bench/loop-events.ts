/**
 * Loaded into a gateway by `--import`: each of its threads writes once a second how many turns its loop has taken, and how many
 * events they had. https://nodejs.org/docs/latest-v24.x/api/perf_hooks.html#performancenodetiminguvmetricsinfo
 */
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { LoopTurns } from './loop-turns.ts';

const EVERY_MS = 1_000;

const file = process.env['CUSTODY_BENCH_EVENTS'];
if (file !== undefined) setInterval(() => tell(file), EVERY_MS).unref();

function tell(file: string): void {
  const { loopCount, events } = performance.nodeTiming.uvMetricsInfo;
  const thread = `${isMainThread ? 'relay' : 'recorder'} ${process.pid}`;
  const turns: LoopTurns = { at: Date.now() / 1000, thread, loopCount, events };
  appendFileSync(file, `${JSON.stringify(turns)}\n`);
}
