import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { HeldLease, leaseLost } from '#core/recording/leases.ts';
import { keepLease } from '#proxy/recorder/lease-keeper.ts';

const LENGTH_MS = 30_000;
const slow = new CustodyError('store-unavailable', 'the store did not answer');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A lease at a store that answers like this, and well from then on. */
function leaseAt(...answers: readonly CustodyError[]) {
  const left = [...answers];
  const asked: string[] = [];
  const renew = async (task: string): Promise<void> => {
    asked.push(task);
    const answer = left.shift();
    if (answer !== undefined) throw answer;
  };
  const clocks = { monotonic: () => Date.now(), wall: () => new Date() };
  const told: unknown[] = [];
  const events = {
    renewed: (untilMs: number) => void told.push(untilMs - Date.now()),
    lost: ({ code }: CustodyError) => void told.push(code),
  };
  return { lease: new HeldLease({ renew }, 'task-1', LENGTH_MS, clocks), asked, told, events, left };
}

describe('the lease of a task', () => {
  it('is had at a store that is slow while the task starts', async () => {
    const { lease, asked, told, events } = leaseAt(slow, slow, slow, slow);
    await keepLease(lease, LENGTH_MS, events);
    expect([asked.length, told]).toEqual([5, [LENGTH_MS]]);
  });

  it('is not asked for without end', async () => {
    const { lease, asked, told, events } = leaseAt(...Array.from({ length: 10 }, () => slow));
    await expect(keepLease(lease, LENGTH_MS, events)).rejects.toBe(slow);
    expect([asked.length, told]).toEqual([5, []]);
  });

  it('is not asked for again once the task is fenced', async () => {
    const fenced = leaseLost('task-1');
    const { lease, asked, events } = leaseAt(fenced);
    await expect(keepLease(lease, LENGTH_MS, events)).rejects.toBe(fenced);
    expect(asked).toHaveLength(1);
  });

  it('outlives renewals that fail, until its end', async () => {
    const { lease, told, events, left } = leaseAt();
    await keepLease(lease, LENGTH_MS, events);
    left.push(slow, slow, slow);
    await vi.advanceTimersByTimeAsync(LENGTH_MS);
    expect(told).toEqual([LENGTH_MS, 'task-fenced']);
  });

  it('goes on after a renewal that failed', async () => {
    const { lease, told, events, left } = leaseAt();
    await keepLease(lease, LENGTH_MS, events);
    left.push(slow);
    await vi.advanceTimersByTimeAsync((LENGTH_MS / 3) * 2);
    expect(told).toEqual([LENGTH_MS, LENGTH_MS]);
  });
});
