import { describe, expect, it } from 'vitest';
import { countingAlarms } from '#core/notify/alarms.ts';
import { newsItem } from '#test/support/news.ts';

describe('countingAlarms', () => {
  it('counts alarms and nothing else, and tells all, also where no webhook wants it', async () => {
    const told: string[] = [];
    let alarms = 0;
    const stream = countingAlarms({ tell: async ({ id }) => void told.push(id) }, () => (alarms += 1));
    const news = [newsItem(1), newsItem(2, { kind: 'break-glass', alarm: true }), newsItem(3)];
    for (const item of news) await stream.tell(item);
    expect(alarms).toBe(1);
    expect(told).toEqual(news.map(({ id }) => id));
  });
});
