import type { News } from '../access/news.ts';

/** One event on its way to one webhook. */
export interface Delivery {
  /** See `deliveryId`. */
  readonly id: string;
  readonly webhook: string;
  readonly news: News;
  /** How many attempts have failed. */
  readonly failures: number;
}

/** Where deliveries begin. */
export interface DeliveryIntake {
  /**
   * When it returns, the event is durably on its way to each of these webhooks. What is or was on its way stays known,
   * delivered and dead ones too: adding it again is no error and adds nothing.
   */
  add(news: News, webhooks: readonly string[]): Promise<void>;
}

/** Deliveries under way. What a call has done is durable when it returns; ids that are not under way are no error. */
export interface DeliveryQueue {
  /**
   * Takes deliveries whose time has come, for one attempt each: first those that were never tried, then those that have
   * waited longest. Two takers never have the same one before `until`. Whoever dies with one leaves it to whoever takes it
   * then, so a receiver may see one twice.
   */
  take(wish: TakeWish): Promise<readonly Delivery[]>;
  /** It arrived. Its news are forgotten, its id is not. */
  delivered(id: string): Promise<void>;
  /** Counts a failure. `problem`: for people; never a secret, and no address. */
  failed(id: string, next: Next, problem: string): Promise<void>;
}

export interface TakeWish {
  readonly now: Date;
  /** What has neither been delivered nor failed by then is due again. */
  readonly until: Date;
  /** At most so many of each webhook: none keeps the others back. */
  readonly limit: number;
  /** None of these webhooks. */
  readonly except: Iterable<string>;
}

/** Dead: it is not tried again unless somebody says so. */
export type Next = { readonly nextAt: Date } | { readonly dead: true };

/** What could not be delivered, for people. */
export interface DeadLetters {
  /**
   * Those that were added last come first; at most `limit`. `after`: only those that come after this one, dead still or not.
   * Rejects with `not-found` when there was never one with that id.
   */
  dead(limit: number, after?: string): Promise<readonly DeadLetter[]>;
  /** It is due at `now`, with all its attempts before it. Rejects with `not-found` when no dead letter has this id. */
  again(id: string, now: Date): Promise<void>;
}

export interface DeadLetter extends Delivery {
  readonly problem: string;
}

/** `<webhook>/<news id>`: a webhook's name has no slash. */
export function deliveryId(news: News, webhook: string): string {
  return `${webhook}/${news.id}`;
}
