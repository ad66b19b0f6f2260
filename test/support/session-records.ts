import { newSessionId } from '#core/recording/session-id.ts';
import type { SessionOutcome, SessionRecord } from '#core/recording/session-index.ts';

/** A session as the index is told of it; `n` counts them in the order of time. */
export function sessionRecord(
  n: number,
  more: { readonly target?: string; readonly subject?: string; readonly issuer?: string } = {},
): Omit<SessionRecord, 'state' | 'outcome'> {
  const { target = 'orders-db', subject = 'dana', issuer = 'https://id.example' } = more;
  return {
    id: newSessionId(1_700_000_000_000 + n, new Uint8Array(10)),
    startedAt: '2026-11-23T09:00:00.000Z',
    principal: { issuer, subject, email: 'dana@example.com' },
    target,
    protocol: 'postgres',
    rule: 'developers-work',
    task: 'task-1',
    client: { address: '127.0.0.1:50000', application: 'psql' },
  };
}

export const OUTCOME: SessionOutcome = {
  endedAt: '2026-11-23T09:01:00.000Z',
  reason: 'client-closed',
  recovered: false,
  segments: 1,
  frames: 2,
  bytes: 3,
};
