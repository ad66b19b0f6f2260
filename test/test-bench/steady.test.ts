import { expect, it } from 'vitest';
import { type Sample, SteadyPart } from '#test/bench/steady.ts';

/** Looks come one after the other. */
function part(...samples: readonly Sample[]): SteadyPart {
  const left = [...samples];
  return new SteadyPart(() => left.shift()!);
}

const sample = (seconds: number, cpu: number): Sample => ({
  seconds,
  cpu,
  machineCpu: 2 * cpu,
  threads: { relay: cpu, idle: 0 },
});

it('counts from the first line of progress to the last', () => {
  // Two seconds to connect, with 3 s of CPU, then a second of work; then 2.02 s at 100 and 200 a second.
  const steady = part(sample(0, 1), sample(3, 5), sample(4, 6), sample(5.02, 7));
  steady.line('pgbench (15.18)');
  steady.line('progress: 1.0 s, 50.0 tps, lat 0.640 ms stddev 0.082, 0 failed');
  steady.line('progress: 2.0 s, 100.0 tps, lat 0.640 ms stddev 0.082, 0 failed');
  steady.line('progress: 3.0 s, 200.0 tps, lat 0.640 ms stddev 0.082, 0 failed');
  const taken = steady.taken()!;
  expect(taken.seconds).toBeCloseTo(2.02);
  expect(taken.transactions).toBeCloseTo(100 + 1.02 * 200);
  expect(taken.cpu).toBe(2);
  expect(taken.machineCpu).toBe(4);
  expect(taken.threads).toEqual({ relay: 2 });
});

it('tells apart what opening took: all before, less the work of the first second', () => {
  const steady = part(sample(0, 1), sample(3, 5), sample(4, 6));
  steady.line('progress: 1.0 s, 50.0 tps');
  steady.line('progress: 2.0 s, 100.0 tps');
  // 4 s of CPU until then, of which 50 transactions took half a second.
  expect(steady.taken()!.openingCpu).toBeCloseTo(3.5);
});

it('says of too short a run that it was too short', () => {
  const steady = part(sample(0, 1), sample(1, 2));
  steady.line('progress: 1.0 s, 50.0 tps');
  expect(steady.taken()).toBeUndefined();
});
