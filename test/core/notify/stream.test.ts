import { describe, expect, it } from 'vitest';
import type { News } from '#core/access/news.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { type Webhook, wants } from '#core/notify/webhook.ts';
import { newsItem } from '#test/support/news.ts';

const ALL: Webhook = { name: 'all', url: 'https://all.example', format: 'json', events: undefined };
const ALARMS: Webhook = { ...ALL, name: 'alarms', events: ['break-glass', 'access-granted'] };
const NONE: Webhook = { ...ALL, name: 'none', events: [] };
const BROKEN = newsItem(1, { kind: 'break-glass' });

describe('wants', () => {
  it('goes by the events a webhook names; one that names none at all gets all', () => {
    expect([ALL, ALARMS, NONE].map((webhook) => wants(webhook, BROKEN))).toEqual([true, true, false]);
    expect([ALL, ALARMS, NONE].map((webhook) => wants(webhook, newsItem(1)))).toEqual([true, false, false]);
  });
});

describe('WebhookStream', () => {
  const added: [News, readonly string[]][] = [];
  const intake = { add: async (news: News, names: readonly string[]) => void added.push([news, names]) };

  it('adds a delivery for each webhook that wants the event, as they are then', async () => {
    const webhooks = [ALL, ALARMS, NONE];
    const stream = new WebhookStream(() => webhooks, intake);
    await stream.tell(BROKEN);
    webhooks.shift();
    await stream.tell(BROKEN);
    expect(added.splice(0)).toEqual([
      [BROKEN, ['all', 'alarms']],
      [BROKEN, ['alarms']],
    ]);
  });

  it('has nothing to do where nobody wants it', async () => {
    await new WebhookStream(() => [], intake).tell(BROKEN);
    await new WebhookStream(() => [NONE], intake).tell(BROKEN);
    expect(added).toEqual([]);
  });

  it('has told nothing when the delivery could not be added', async () => {
    const full = { add: () => Promise.reject(new Error('disk full')) };
    await expect(new WebhookStream(() => [ALL], full).tell(BROKEN)).rejects.toThrow('disk full');
  });
});
