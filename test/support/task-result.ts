import type { TaskResult } from '#core/tasks/result/result.ts';

export const RUN = '019aaf3e-0000-7a61-9f43-0b9a7c1d2e3f';

/** A result as one is derived, with every member that may be there. */
export function taskResult(changed: Partial<TaskResult> = {}): TaskResult {
  return {
    type: 'custody/task-result/1',
    run: RUN,
    beginning: 'b'.repeat(64),
    workflow: { name: 'refunds', digest: 'c'.repeat(64) },
    task: 'refund',
    session: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f',
    operator: {
      issuer: 'https://issuer.example',
      subject: 'dev-1',
      email: 'dana@example.com',
      actors: [{ issuer: 'https://issuer.example', subject: 'agent-7' }],
      groups: ['developers'],
    },
    startedAt: '2026-11-23T09:00:00.000Z',
    endedAt: '2026-11-23T09:04:10.120Z',
    verdict: 'deviated',
    commands: [
      {
        command: 'refund',
        shape: 'd'.repeat(64),
        at: 1000,
        tookMs: 1.5,
        outcome: 'completed',
        affected: 1,
        trace: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
      { at: 2000, tookMs: 0, outcome: 'refused' },
    ],
    commandsOmitted: 0,
    deviations: [
      { kind: 'not-in-contract', expected: 'refund', seen: 'drop table', at: 2000, how: 'stopped' },
    ],
    deviationsOmitted: 0,
    lineage: [{ command: 'refund', hole: '$1', from: 'find.returned.id', values: 1, found: 1 }],
    inputs: [
      { name: 'list', of: 'load', from: 'find.dump', sha256: 'e'.repeat(64), bytes: 7, matches: true },
    ],
    outputs: [
      {
        name: 'refunded',
        of: 'refund',
        rows: 1,
        digest: 'f'.repeat(64),
        columns: [{ name: 'id', distinct: 1, digest: '1'.repeat(64) }],
        kept: [['7', null]],
      },
      { name: 'receipt', of: 'dump', sha256: '2'.repeat(64), bytes: 12 },
    ],
    evidence: { open: '3'.repeat(64), close: '4'.repeat(64) },
    ...changed,
  };
}
