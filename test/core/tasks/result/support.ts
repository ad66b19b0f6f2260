import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import type { CloseStatement, OpenStatement } from '#core/recording/format.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import { type Derived, deriveTaskResult } from '#core/tasks/result/derive.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import { type DeclaredTask, workflowSchema } from '#core/tasks/schema.ts';
import type { OutputDigests } from '#core/tasks/store.ts';
import { type Workflow, workflowFrom } from '#core/tasks/workflows.ts';
import { framesOf, LOGIN, type Said, server } from '../../replay/support.ts';

export const KEY = Buffer.alloc(32, 7);
export const FIND_SESSION = '0190a000-0000-7000-8000-000000000001';
export const REFUND_SESSION = '0190a000-0000-7000-8000-000000000002';
const RUN = '0190a000-0000-7000-8000-0000000000aa';
const NOW = '2026-11-29T12:00:00.000Z';

export const shapes = loadPostgresShapes();

type LooseTask = Readonly<Record<string, unknown>>;

/** A workflow of tasks `find` and `refund`, of which contracts say what is given. */
export function workflowOf(find: LooseTask, refund: LooseTask = find, inputs = {}): Promise<Workflow> {
  const by = { groups: ['clerks'] };
  const tasks = {
    find: { target: 'db', by, contract: find },
    refund: { target: 'db', by, after: ['find'], contract: refund },
  };
  const text = canonicalJson({ tasks, inputs });
  workflowSchema.parse(JSON.parse(text));
  return workflowFrom('refunds', text, new Map([['db', { protocol: 'postgres' as const }]]));
}

export function runOf(workflow: Workflow, steps: readonly RunStep[] = [], inputs = {}): Run {
  return {
    id: RUN,
    digest: 'd'.repeat(64),
    workflow: workflow.name,
    workflowDigest: workflow.digest,
    policy: 'a'.repeat(64),
    startedBy: { issuer: 'https://id.example', subject: 'starter' },
    startedAt: NOW,
    until: NOW,
    inputs,
    keyDigest: 'b'.repeat(64),
    steps,
  };
}

/** `find` was kept before the session of `refund` began. */
export const FOUND: readonly RunStep[] = [
  { at: NOW, kind: 'task-started', task: 'find', session: FIND_SESSION },
  {
    at: NOW,
    kind: 'task-ended',
    task: 'find',
    session: FIND_SESSION,
    verdict: 'kept',
    result: 'e'.repeat(64),
  },
  { at: NOW, kind: 'task-started', task: 'refund', session: REFUND_SESSION },
];

export interface Given {
  readonly workflow: Workflow;
  readonly task?: string;
  readonly steps?: readonly RunStep[];
  readonly inputs?: Record<string, string | null>;
  readonly outputs?: ReadonlyMap<string, OutputDigests>;
  readonly reason?: CloseStatement['reason'];
}

export async function derived(frames: readonly ReplayFrame[], given: Given): Promise<Derived> {
  const { workflow, task = 'find', steps, inputs = {}, outputs, reason = 'client-closed' } = given;
  const session = task === 'find' ? FIND_SESSION : REFUND_SESSION;
  const run = runOf(workflow, steps, inputs);
  const open = {
    session,
    startedAt: NOW,
    principal: { issuer: 'https://id.example', subject: 'dana', groups: ['clerks'], groupsOmitted: 0 },
    task: { run: run.id, workflow: workflow.name, digest: workflow.digest, name: task },
  } as unknown as OpenStatement;
  const close = { session, endedAt: NOW, reason, recordedUntil: 9_000_000 } as unknown as CloseStatement;
  async function* streamed(): AsyncGenerator<ReplayFrame> {
    yield* frames;
  }
  return deriveTaskResult({
    frames: streamed(),
    open: { value: open, sha256: '1'.repeat(64) },
    close: { value: close, sha256: '2'.repeat(64) },
    workflow,
    run,
    key: KEY,
    earlier: async (one) => outputs?.get(one),
    shapes: await shapes,
  });
}

export function session(...said: readonly Said[]): ReplayFrame[] {
  return framesOf([...LOGIN, ...said]);
}

export const query = (text: string): Uint8Array => message(0x51, cstring(text));

/** A query and its answer of integers in one column. */
export function selected(text: string, column: string, values: readonly (string | null)[]): Said[] {
  const rows = values.map((value) => server.row(value));
  return [
    ['client', query(text)],
    ['target', server.columns([column, 23]), ...rows, server.tag(`SELECT ${values.length}`), server.ready],
  ];
}

export function done(text: string, tag: string): Said[] {
  return [
    ['client', query(text)],
    ['target', server.tag(tag), server.ready],
  ];
}

export function noted(note: Readonly<Record<string, unknown>>): Said {
  return ['note', Buffer.from(JSON.stringify({ note: 'task-deviation', ...note }))];
}

export type { DeclaredTask };
