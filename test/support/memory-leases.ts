import { type LeaseBook, leaseLost, type TaskLease, type TaskLeases } from '#core/recording/leases.ts';

/** Leases in memory. */
export class MemoryLeases implements TaskLeases, LeaseBook {
  readonly #leases = new Map<string, { until: Date; fenced: boolean; forgotten: boolean }>();

  async renew(task: string, until: Date): Promise<void> {
    if (this.#leases.get(task)?.fenced) throw leaseLost(task);
    this.#leases.set(task, { until, fenced: false, forgotten: false });
  }

  async endedBefore(time: Date): Promise<readonly TaskLease[]> {
    return [...this.#leases]
      .filter(([, { until, fenced, forgotten }]) => !forgotten && (fenced || until < time))
      .map(([task, { until }]) => ({ task, until }));
  }

  async fence({ task, until }: TaskLease): Promise<boolean> {
    const lease = this.#leases.get(task);
    if (lease === undefined || (!lease.fenced && lease.until.getTime() !== until.getTime())) return false;
    lease.fenced = true;
    return true;
  }

  async forget(task: string): Promise<void> {
    const lease = this.#leases.get(task);
    if (lease?.fenced) lease.forgotten = true;
  }
}
