import type { News } from '../access/news.ts';
import { slackMessage } from './slack.ts';
import type { WebhookFormat } from './webhook.ts';

/** The body of a delivery: JSON. The same event always has the same body. */
export function render(format: WebhookFormat, news: News): string {
  return JSON.stringify(TEMPLATES[format](news));
}

const TEMPLATES: Readonly<Record<WebhookFormat, (news: News) => object>> = {
  // The structure that Standard Webhooks 1.0.0 recommends ("Payload structure").
  json: (news) => ({ type: news.kind, timestamp: news.at, data: news }),
  slack: slackMessage,
};
