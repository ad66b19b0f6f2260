import type { News } from '#core/access/news.ts';
import { CustodyError } from '#core/errors.ts';
import {
  type DeadLetter,
  type DeadLetters,
  type Delivery,
  type DeliveryIntake,
  type DeliveryQueue,
  deliveryId,
  type Next,
  type TakeWish,
} from '#core/notify/deliveries.ts';

interface Entry extends DeadLetter {
  /** Milliseconds since 1970; 0 before the first attempt. */
  readonly dueAt: number | 'dead' | 'delivered';
}

/** Deliveries in memory. */
export class MemoryDeliveries implements DeliveryIntake, DeliveryQueue, DeadLetters {
  readonly #entries = new Map<string, Entry>();

  async add(news: News, webhooks: readonly string[]): Promise<void> {
    for (const webhook of webhooks) {
      const id = deliveryId(news, webhook);
      if (this.#entries.has(id)) continue;
      this.#entries.set(id, { id, webhook, news, failures: 0, problem: '', dueAt: 0 });
    }
  }

  async take({ now, until, limit, except }: TakeWish): Promise<readonly Delivery[]> {
    const without = new Set(except);
    const due = [...this.#entries.values()].filter(({ dueAt, webhook }) => {
      return typeof dueAt === 'number' && dueAt <= now.getTime() && !without.has(webhook);
    });
    due.sort((a, b) => Number(a.dueAt) - Number(b.dueAt));
    const taken = [...Map.groupBy(due, ({ webhook }) => webhook).values()].flatMap((of) =>
      of.slice(0, limit),
    );
    for (const entry of taken) this.#entries.set(entry.id, { ...entry, dueAt: until.getTime() });
    return taken.map(({ id, webhook, news, failures }) => ({ id, webhook, news, failures }));
  }

  async delivered(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#entries.set(id, { ...entry, dueAt: 'delivered' });
  }

  async failed(id: string, next: Next, problem: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (typeof entry?.dueAt !== 'number') return;
    const dueAt = 'dead' in next ? 'dead' : next.nextAt.getTime();
    this.#entries.set(id, { ...entry, failures: entry.failures + 1, problem, dueAt });
  }

  async dead(limit: number, after?: string): Promise<readonly DeadLetter[]> {
    const all = [...this.#entries.values()].toReversed();
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    if (after !== undefined && from === 0) throw new CustodyError('not-found', 'no such dead letter');
    return all
      .slice(from)
      .filter(({ dueAt }) => dueAt === 'dead')
      .slice(0, limit)
      .map(({ id, webhook, news, failures, problem }) => ({ id, webhook, news, failures, problem }));
  }

  async again(id: string, now: Date): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry?.dueAt !== 'dead') throw new CustodyError('not-found', 'no such dead letter', { detail: id });
    this.#entries.set(id, { ...entry, failures: 0, dueAt: now.getTime() });
  }
}
