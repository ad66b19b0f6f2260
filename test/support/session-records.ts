import { newSessionId } from '#core/recording/session-id.ts';
import type { SessionOutcome, SessionRecord } from '#core/recording/session-index.ts';

/** When session `n` began, as its id says: milliseconds since 1970. */
export function sessionTime(n: number): number {
  return 1_700_000_000_000 + n;
}

/** A session as the index is told of it; `n` counts them in the order of time. */
export function sessionRecord(
  n: number,
  more: {
    readonly target?: string;
    readonly subject?: string;
    readonly issuer?: string;
    readonly email?: string;
  } = {},
): Omit<SessionRecord, 'state' | 'outcome'> {
  const {
    target = 'orders-db',
    subject = 'dana',
    issuer = 'https://id.example',
    email = 'dana@example.com',
  } = more;
  return {
    id: newSessionId(sessionTime(n), new Uint8Array(10)),
    startedAt: '2026-11-23T09:00:00.000Z',
    principal: { issuer, subject, email },
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
