import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CustodyError } from '#core/errors.ts';
import { PULSE_MS } from '#core/status/pulse.ts';
import { keepTelling } from '#proxy/pulse.ts';
import { MemoryPulses } from '#test/support/memory-pulses.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-29T21:00:00.000Z') }));
afterEach(() => void vi.useRealTimers());

it('a task says at once and then from time to time how it is, with the worst lag since; what it cannot tell it logs', async () => {
  const pulses = new MemoryPulses();
  const logged: string[] = [];
  let lag = 5;
  let fails = false;
  const tell: MemoryPulses['tell'] = async (pulse) => {
    if (fails) throw new Error('a bad day');
    await pulses.tell(pulse);
  };
  const log = (event: string, error?: CustodyError): void => void logged.push(`${event} ${error?.code}`);
  keepTelling(
    { tell },
    {
      ...{ task: 't1', version: '0.1.0', sessions: () => 2, log },
      journalLagMs: () => lag,
      refusals: { counts: () => [] },
    },
  );
  const said = async () => (await pulses.since(new Date(0)))[0];
  expect(await said()).toMatchObject({
    process: 't1',
    task: { version: '0.1.0', sessions: 2, journalLagMs: 5 },
  });
  lag = 900;
  await vi.advanceTimersByTimeAsync(3_000);
  lag = 0;
  await vi.advanceTimersByTimeAsync(PULSE_MS - 3_000);
  expect((await said())?.task?.journalLagMs).toBe(900);
  await vi.advanceTimersByTimeAsync(PULSE_MS);
  expect((await said())?.task?.journalLagMs).toBe(0);
  fails = true;
  await vi.advanceTimersByTimeAsync(PULSE_MS);
  expect(logged).toEqual(['pulse-untold internal']);
});
