import { describe, expect, it } from 'vitest';
import type { Status } from '../../../console/api/gateway.ts';
import { findingsOf } from '../../../console/gateway/findings.ts';

const AT = '2026-11-29T21:00:00.000Z';
const before = (seconds: number): string => new Date(Date.parse(AT) - seconds * 1000).toISOString();

const task = {
  ...{ task: 't1', alive: true, leaseUntil: before(-9), open: 1 },
  ...{ toldAt: before(3), version: '0.1.0', journalLagMs: 12 },
};

const WELL: Status = {
  at: AT,
  version: '0.1.0',
  sessions: { open: 1, waiting: 0, byTarget: [{ target: 'orders-db', open: 1, waiting: 0 }] },
  tasks: [task],
  unsealed: { count: 0, deadlineSeconds: 130 },
  ledger: { size: 9, queued: 2, more: false, oldestQueuedAt: before(20), deadlineSeconds: 60 },
  deadLetters: { count: 0, more: false },
  search: { pending: 3, more: false },
  refusedTokens: { since: before(3_600), total: 3, reasons: [], perTenMinutes: [{ from: AT, count: 3 }] },
  config: { version: 'a'.repeat(64), warnings: [] },
};

const found = (change: Partial<Status>) =>
  findingsOf({ ...WELL, ...change }).map(({ severity, title }) => [severity, title]);

describe('what is wrong with a gateway', () => {
  it('is nothing where all is well', () => {
    expect(found({})).toEqual([]);
  });

  it.each<[Partial<Status>, string, string]>([
    [{ tasks: [] }, 'bad', 'No gateway task is alive: nobody can connect'],
    [
      { tasks: [{ ...task, journalLagMs: 3_000 }] },
      'bad',
      'Recordings become durable 3 s late: sessions are held up',
    ],
    [
      { tasks: [{ ...task, toldAt: before(90) }] },
      'warn',
      '1 task said nothing for over a minute, and still has its lease',
    ],
    [
      { ledger: { ...WELL.ledger, oldestQueuedAt: before(150) } },
      'bad',
      '2 leaves wait for the ledger, the oldest for 2 min 30 s',
    ],
    [
      { deadLetters: { count: 2, more: false, oldestAt: before(60) } },
      'warn',
      '2 dead letters: a webhook did not take what it was told',
    ],
    [
      { refusedTokens: { ...WELL.refusedTokens, perTenMinutes: [{ from: AT, count: 60 }] } },
      'bad',
      '60 tokens refused within ten minutes',
    ],
    [{ search: { pending: 40, more: false } }, 'warn', '40 sealed sessions not searchable yet'],
    [
      { config: { ...WELL.config, warnings: ['rules.0: never'] } },
      'warn',
      'The configuration is taken with 1 warning',
    ],
  ])('%#: is said, with how bad it is', (change, severity, title) => {
    expect(found(change)).toEqual([[severity, title]]);
  });

  it('is a session of a dead task only once the sealer had its time', () => {
    const oldest = { session: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f', startedAt: before(900) };
    const left = (since: string) => ({
      unsealed: { ...WELL.unsealed, count: 1, oldest: { ...oldest, since } },
    });
    expect(found(left(before(60)))).toEqual([['warn', '1 session of a task that died, about to be sealed']]);
    expect(found(left(before(200)))).toEqual([
      ['bad', '1 session of a dead task not sealed within 2 min 10 s'],
    ]);
  });

  it('has what is worst first', () => {
    const refused = { since: before(5), problem: 'custody.yaml:7:3: no' };
    const bad = { deadLetters: { count: 1, more: false }, config: { ...WELL.config, refused } };
    expect(found(bad).map(([severity]) => severity)).toEqual(['bad', 'warn']);
  });
});
