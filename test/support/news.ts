import type { AccessNews } from '#core/access/news.ts';

const DANA = { issuer: 'https://id.example', subject: 'dana', email: 'dana@example.com' };
export const REVIEWER = { issuer: 'https://id.example', subject: 'rob', email: 'rob@example.com' };

/** The news of the request with this number: dana asks for orders-db. */
export function newsItem(n: number, more: Partial<AccessNews> = {}): AccessNews {
  const request = `0198c0de-0000-7000-8000-${String(n).padStart(12, '0')}`;
  return {
    id: `${request}/0`,
    kind: 'access-requested',
    at: '2026-03-01T12:00:00.000Z',
    alarm: false,
    by: DANA,
    requester: DANA,
    request,
    target: 'orders-db',
    rule: 'developers-on-request',
    reason: 'order 4711 is stuck',
    ticket: 'OPS-12',
    durationMs: 5_400_000,
    ...more,
  };
}
