import type { Config } from '../access/config.ts';
import { policyNews } from '../access/news.ts';
import { enter, type LeafSink, policyLeaf } from '../ledger/leaves.ts';
import type { DeliveryIntake } from './deliveries.ts';
import { WebhookStream } from './stream.ts';
import type { Webhook } from './webhook.ts';

/** Enters configurations in the ledger, and tells webhooks, before they come into force. The same again is no error. */
export class PolicyTeller {
  readonly #leaves: LeafSink;
  readonly #intake: DeliveryIntake;
  #before: readonly Webhook[] = [];

  constructor(leaves: LeafSink, intake: DeliveryIntake) {
    this.#leaves = leaves;
    this.#intake = intake;
  }

  /** Rejects when either cannot be had: then the configuration is not to count. */
  async tell({ version, webhooks }: Config, changedAt: Date): Promise<void> {
    await enter(policyLeaf(version, changedAt), this.#leaves);
    // Those of before too: whoever takes access might take away who would hear of it. What then cannot be delivered stays as a dead letter.
    const names = new Set(webhooks.map(({ name }) => name));
    const all = [...webhooks, ...this.#before.filter(({ name }) => !names.has(name))];
    await new WebhookStream(() => all, this.#intake).tell(policyNews(version, changedAt));
    this.#before = webhooks;
  }
}
