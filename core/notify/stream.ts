import type { News, NewsStream } from '../access/news.ts';
import type { DeliveryIntake } from './deliveries.ts';
import { type Webhook, wants } from './webhook.ts';

/** Tells webhooks: those that `webhooks` gives at the time and that want the event. */
export class WebhookStream implements NewsStream {
  readonly #webhooks: () => readonly Webhook[];
  readonly #intake: DeliveryIntake;

  constructor(webhooks: () => readonly Webhook[], intake: DeliveryIntake) {
    this.#webhooks = webhooks;
    this.#intake = intake;
  }

  async tell(news: News): Promise<void> {
    const names = this.#webhooks()
      .filter((webhook) => wants(webhook, news))
      .map(({ name }) => name);
    if (names.length > 0) await this.#intake.add(news, names);
  }
}
