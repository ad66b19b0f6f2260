/** What the API takes and answers about runs. */
import { z } from 'zod';
import { words } from '#core/access/words.ts';
import { runProofSchema } from '#core/ledger/run-proof.ts';
import { deviationKinds } from '#core/tasks/deviation.ts';
import { verdicts } from '#core/tasks/result/result.ts';
import { runStates, taskStates } from '#core/tasks/run.ts';
import { count, PAGE_MAX, person, sessionId, time } from '../shapes.ts';
import { sha256, taskName, taskParts, workflowName } from '../workflows/shapes.ts';

/** UUID version 7, lower case. */
export const runId = z
  .uuid()
  .lowercase()
  .meta({ description: 'assigned by Custody', example: '019aaf35-2a80-7b61-8e21-1f6a7c1d2e3f' });

const inputs = z.record(z.string().max(100), z.string().max(65_536).nullable());
const trace = z
  .string()
  .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
  .meta({ description: 'W3C traceparent of whoever orchestrates it' });

export const startBody = z.strictObject({
  workflow: workflowName,
  inputs: inputs.default({}),
  trace: trace.optional(),
});

export const endBody = z.strictObject({ comment: words.optional() });

export const runsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: runId.optional().meta({ description: 'the `next` of the page before' }),
  workflow: workflowName.optional(),
});

const executionShape = z.object({
  session: sessionId,
  startedAt: time,
  deviation: z
    .object({ kind: z.enum(deviationKinds), how: z.enum(['recorded', 'asked', 'stopped']), at: time })
    .optional()
    .meta({ description: 'the first one, as it happened; the result has all' }),
  endedAt: time.optional(),
  verdict: z.enum(verdicts).optional(),
  result: sha256.optional().meta({ description: 'SHA-256 of the result’s statement' }),
  detail: z
    .looseObject({})
    .optional()
    .meta({ description: 'the result itself, for whoever may replay the session (core/tasks/FORMAT.md)' }),
});

/** Values that earlier tasks put out and this one takes. */
const handedShape = z.object({
  columns: z.array(z.string()).readonly(),
  rows: z.array(z.array(z.string().nullable()).readonly()).readonly(),
});

const runTaskShape = z
  .object({
    ...taskParts,
    state: z.enum(taskStates),
    waitsFor: z
      .array(taskName)
      .readonly()
      .meta({ description: 'tasks that have to keep their contracts before' }),
    left: count.meta({ description: 'how often it may run yet' }),
    executions: z.array(executionShape).readonly(),
    stopped: z
      .array(
        z.object({
          session: sessionId,
          kind: z.enum(deviationKinds),
          how: z.enum(['recorded', 'asked', 'stopped']),
          at: time,
        }),
      )
      .readonly()
      .meta({
        description: 'deviations of sessions whose first command did not go on: no execution came of them',
      }),
    handed: z.record(z.string(), handedShape).optional().meta({
      description:
        'by task.output: what earlier tasks put out for it, where it is kept, for whoever may run it',
    }),
  })
  .meta({ id: 'RunTask' });

const summary = {
  id: runId,
  workflow: workflowName,
  workflowDigest: sha256,
  state: z.enum(runStates),
  startedBy: person,
  startedAt: time,
  until: time,
};

export const runShape = z
  .object({
    ...summary,
    digest: sha256.meta({ description: 'of its beginning: what the ledger and results name' }),
    isCurrent: z.boolean().meta({
      description:
        'false where the workflow was changed since, or is gone: no task of this run begins any more',
    }),
    policy: z.string().meta({ description: 'the version of the configuration it was started under' }),
    keyDigest: sha256,
    trace: z.string().optional(),
    inputs: z
      .record(z.string(), z.string().nullable())
      .optional()
      .meta({ description: 'for who started it, and whoever may replay all that is done at its targets' }),
    ended: z.object({ at: time, by: person, comment: z.string().optional() }).optional(),
    mayEnd: z.boolean(),
    tasks: z.array(runTaskShape).readonly(),
  })
  .meta({ id: 'Run' });

const summaryShape = z
  .object({
    ...summary,
    tasks: z.array(z.object({ name: taskName, state: z.enum(taskStates) })).readonly(),
  })
  .meta({ id: 'RunSummary' });

export const runPageShape = z
  .object({ runs: z.array(summaryShape).readonly(), next: runId.optional() })
  .meta({ id: 'RunPage' });

export const runEvidenceShape = z
  .object({
    run: z
      .looseObject({ id: runId })
      .meta({ description: 'its beginning, digest and steps, as they are stored' }),
    key: z.string().meta({ description: 'of its digests, base64' }),
    workflow: z.string().meta({ description: 'the text that its digest is of' }),
    sessions: z
      .array(z.object({ session: sessionId, task: taskName }))
      .readonly()
      .meta({
        description: 'whose evidence belongs to it: /v1/sessions/{id}/evidence?purpose=export',
      }),
    proof: runProofSchema
      .optional()
      .meta({ description: 'that its steps are in the ledger; absent until one is' }),
    requests: z
      .array(z.string())
      .readonly()
      .meta({ description: 'by which deviations went on, as the files requests/<id>.json' }),
  })
  .meta({ id: 'RunEvidence' });
