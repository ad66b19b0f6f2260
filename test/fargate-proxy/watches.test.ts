import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchIssuers } from '#proxy/watches.ts';

afterEach(() => void vi.useRealTimers());

describe('issuers that are away', () => {
  it('are asked at the start and each minute, and each minute is told of those that do not answer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const lines: unknown[] = [];
    let asked = 0;
    const refresh = async (): Promise<void> => void (asked += 1);
    const away = () =>
      asked < 2 ? [] : [{ issuer: 'https://id.example', ms: 600_000, why: 'answered 503' }];
    watchIssuers(
      () => ({ verify: () => Promise.reject(new Error()) }),
      { refresh, away },
      (event, error, facts) => lines.push([event, error?.code, error?.message, error?.detail, facts]),
    );
    await vi.advanceTimersByTimeAsync(119_999);
    expect([asked, lines.length]).toEqual([2, 1]);
    await vi.advanceTimersByTimeAsync(1);
    const facts = { issuer: 'https://id.example' };
    const line = ['issuer-away', 'issuer-unreachable', 'an issuer has not answered for 10 min'];
    expect(lines).toEqual([
      [...line, 'answered 503', facts],
      [...line, 'answered 503', facts],
    ]);
  });
});
