import { describe, expect, it } from 'vitest';
import type { News } from '#core/access/news.ts';
import { countingAlarms } from '#core/notify/alarms.ts';
import { newsItem } from '#test/support/news.ts';

describe('countingAlarms', () => {
  it('counts what is an alarm, and tells everything', async () => {
    const told: News[] = [];
    let count = 0;
    const stream = countingAlarms({ tell: async (news) => void told.push(news) }, () => (count += 1));
    await stream.tell(newsItem(1));
    expect(count).toBe(0);
    await stream.tell(newsItem(2, { kind: 'break-glass', alarm: true }));
    expect(count).toBe(1);
    expect(told).toEqual([newsItem(1), newsItem(2, { kind: 'break-glass', alarm: true })]);
  });

  it('counts an alarm that cannot be told', async () => {
    let count = 0;
    const broken = { tell: () => Promise.reject(new Error('no table')) };
    const telling = countingAlarms(broken, () => (count += 1)).tell(newsItem(1, { alarm: true }));
    await expect(telling).rejects.toThrow('no table');
    expect(count).toBe(1);
  });
});
