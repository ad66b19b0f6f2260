import { createHash } from 'node:crypto';
import type { News } from '#core/access/news.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import { RunDesk, type RunDeskPorts } from '#core/tasks/run-desk.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { Workflow } from '#core/tasks/workflows.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';

export const NOW = new Date('2026-11-29T09:00:00.000Z');
export const KEY = Buffer.alloc(32, 7);
export const DANA = { issuer: 'https://id.example', subject: 'dana', email: 'dana@example.com' };
export const sessionOf = (n: number): string => newSessionId(NOW.getTime() + n, Buffer.alloc(10, n));
export const runId = (n: number): string => newSessionId(NOW.getTime() + n, Buffer.alloc(10, 200 + n));
export const later = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000);

const task = (more: object = {}) => ({
  target: 'orders-db',
  by: { groups: ['support'] },
  contract: { does: [{ name: 'one', statement: 'select 1' }] },
  ...more,
});

const WRITTEN = {
  within: '2h',
  inputs: { customer: { type: 'integer', min: 1 }, note: { type: 'text', nullable: true, maxLength: 10 } },
  tasks: {
    find: task({ runs: 2 }),
    refund: task({ after: ['find'] }),
    report: task({ after: ['find', 'refund'] }),
  },
};

/** find (twice at most), refund after it, report after both; its commands are not compiled, as nothing here runs them. */
export function workflowOf(written: object = WRITTEN): Workflow {
  const text = canonicalJson(written);
  const digest = createHash('sha256').update(text).digest('hex');
  return { name: 'refunds', digest, text, declared: workflowSchema.parse(written), tasks: new Map() };
}

export const REFUNDS = workflowOf();

export function run(steps: readonly RunStep[] = [], n = 1): Run {
  const start = { by: DANA, policy: 'a'.repeat(64), inputs: { customer: '7' } };
  return { ...newRun(REFUNDS, start, { id: runId(n), key: KEY, now: NOW }), steps };
}

export function started(n: number, name = 'find'): RunStep {
  return { at: later(n).toISOString(), kind: 'task-started', task: name, session: sessionOf(n) };
}

export function ended(n: number, name = 'find', verdict: 'kept' | 'deviated' = 'kept'): RunStep {
  const result = createHash('sha256').update(`${n}`).digest('hex');
  const at = later(n + 1).toISOString();
  return { at, kind: 'task-ended', task: name, session: sessionOf(n), verdict, result };
}

/** Everything that was told, in the order in which it was: leaves as their text, news as they are. */
export interface RunStand {
  readonly runs: MemoryRuns;
  readonly desk: RunDesk;
  readonly ports: RunDeskPorts;
  readonly log: (string | News)[];
  readonly texts: Map<string, string>;
}

export function runStand(wrap: (ports: RunDeskPorts) => RunDeskPorts = (ports) => ports): RunStand {
  const runs = new MemoryRuns();
  const log: (string | News)[] = [];
  const texts = new Map<string, string>();
  let made = 0;
  const ports = wrap({
    runs,
    texts: { put: async ({ digest, text }) => void texts.set(digest, text) },
    leaves: { add: async (leaf) => void log.push(Buffer.from(leaf).toString()) },
    stream: { tell: async (news) => void log.push(news) },
    now: () => NOW,
    newId: () => runId((made += 1)),
    newKey: () => KEY,
  });
  return { runs, desk: new RunDesk(ports), ports, log, texts };
}
