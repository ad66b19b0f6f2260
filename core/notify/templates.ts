import type { News } from '../access/news.ts';
import { linkOf } from './links.ts';
import { slackMessage } from './slack.ts';
import type { WebhookFormat } from './webhook.ts';

/** The body of a delivery: JSON. The same event always has the same body, for as long as `console` is where it is. */
export function render(format: WebhookFormat, news: News, console?: string): string {
  return JSON.stringify(TEMPLATES[format](news, console === undefined ? undefined : linkOf(console, news)));
}

const TEMPLATES: Readonly<Record<WebhookFormat, (news: News, url: string | undefined) => object>> = {
  // The structure that Standard Webhooks 1.0.0 recommends ("Payload structure").
  json: (news, url) => ({
    type: news.kind,
    timestamp: news.at,
    data: url === undefined ? news : { ...news, url },
  }),
  slack: slackMessage,
};
