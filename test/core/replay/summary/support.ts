import type { OpenStatement } from '#core/recording/format.ts';
import { NO_FACTS, type StepFacts } from '#core/replay/facts.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import type { StepBase } from '#core/replay/step.ts';
import { Summarizer } from '#core/replay/summary/summarize.ts';
import type { SessionSummary } from '#core/replay/summary/summary.ts';

export const OPEN: OpenStatement = {
  type: 'custody/open/1',
  session: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f',
  startedAt: '2026-11-23T10:00:00.000Z',
  principal: {
    issuer: 'https://id.example.com',
    subject: 'dev-1',
    email: 'dana@example.com',
    groups: ['developers'],
    groupsOmitted: 0,
  },
  target: { name: 'orders-db', protocol: 'postgres', address: 'db:5432' },
  client: { address: '10.0.0.7:50123', application: 'psql' },
  grant: { rule: 'developers-work' },
  policy: 'a'.repeat(64),
  gateway: { version: '0.1.0', task: 'task-1' },
  durability: { mode: 'windowed', windowMs: 250 },
  recorder: 'AAAA',
  signer: 'b'.repeat(64),
};

export interface Done {
  readonly facts?: Partial<StepFacts>;
  readonly step?: Partial<StepBase>;
}

export function summaryOf(done: readonly Done[], open: Partial<OpenStatement> = {}): SessionSummary {
  const summarizer = new Summarizer({ ...OPEN, ...open });
  for (const [at, { facts, step }] of done.entries())
    summarizer.take(at + 1, readStep(step), { ...NO_FACTS, ...facts });
  return summarizer.summary({ endedAt: '2026-11-23T10:05:00.000Z', reason: 'client-closed' });
}

function readStep(step: Partial<StepBase> = {}): ReadStep {
  return {
    step: { kind: 'query', at: 0, took: 0, ...step },
    toText: () => '',
    toJson: () => ({}),
  };
}
