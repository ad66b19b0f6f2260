/** Workflows and runs, as far as the CLI uses the API for them. */
import { z } from 'zod';
import { NAME } from '#core/access/names.ts';
import { commandParts } from '#core/protocols/command-parts.ts';
import { deviationKinds } from '#core/tasks/deviation.ts';
import { verdicts } from '#core/tasks/result/result.ts';
import { runStates, taskStates } from '#core/tasks/run.ts';
import { valueSchema } from '#core/tasks/schema.ts';
import { type Api, getJson, postJson } from './api.ts';
import { count, person, text } from './api-shapes.ts';
import { type Pages, type Paging, pagesOf, searchOf } from './paging.ts';

const id = z.uuid().lowercase();
const name = z.string().regex(new RegExp(`^${NAME}$`));
const names = z.array(name);
const between = z.object({ min: count, max: count.optional() });
const cell = z.string().nullable();

const commandSchema = z.object({
  name,
  ...commandParts,
  values: z.record(z.string(), valueSchema),
  times: z.object({ min: count, max: count }),
  answers: z.object({
    rows: between.optional(),
    affected: between.optional(),
    columns: z.array(text).optional(),
    error: text,
    withinMs: count.optional(),
  }),
});
export type ContractCommand = z.infer<typeof commandSchema>;

const part = { of: text, columns: z.array(text).optional(), stream: text.optional() };

const taskParts = {
  name,
  description: text.optional(),
  target: name,
  protocol: text.optional(),
  login: text.optional(),
  after: names,
  withinSeconds: count,
  runs: count,
  mayRun: z.boolean(),
  order: z.enum(['any', 'strict']),
  allow: z.array(text),
  onDeviation: z.enum(['record', 'stop', 'ask']),
  ask: z
    .object({
      approvals: count,
      any: z.array(text).optional(),
      all: z.array(text).optional(),
      waitSeconds: count,
    })
    .optional(),
  does: z.array(commandSchema),
  sets: z.record(z.string(), valueSchema),
  inputs: z.record(z.string(), z.object({ ...part, from: text.optional(), input: text.optional() })),
  outputs: z.record(z.string(), z.object({ ...part, keep: z.boolean() })),
};

const workflowSchema = z.object({
  name,
  digest: text,
  description: text.optional(),
  withinSeconds: count,
  inputs: z.record(z.string(), z.looseObject({ type: text, description: text.optional() })),
  mayStart: z.boolean(),
  text: z.string().max(4 << 20),
  tasks: z.array(z.object(taskParts)),
});
export type Workflow = z.infer<typeof workflowSchema>;
export type WorkflowTask = Workflow['tasks'][number];

const workflowsSchema = z.object({ workflows: z.array(workflowSchema) });

const deviation = { kind: z.enum(deviationKinds), how: text, at: text };

const resultSchema = z.looseObject({
  deviations: z.array(
    z.looseObject({
      kind: text,
      command: text.optional(),
      expected: text,
      seen: text,
      at: count,
      how: text,
    }),
  ),
  outputs: z.array(
    z.looseObject({
      name: text,
      rows: count.optional(),
      bytes: count.optional(),
      columns: z.array(z.looseObject({ name: text })).optional(),
      kept: z.union([z.array(z.array(cell)), z.string()]).optional(),
    }),
  ),
});

const runTaskSchema = z.object({
  ...taskParts,
  state: z.enum(taskStates),
  waitsFor: names,
  left: count,
  executions: z.array(
    z.object({
      session: id,
      startedAt: text,
      deviation: z.object(deviation).optional(),
      endedAt: text.optional(),
      verdict: z.enum(verdicts).optional(),
      result: text.optional(),
      detail: resultSchema.optional(),
    }),
  ),
  stopped: z.array(z.object({ session: id, ...deviation })),
  handed: z.record(z.string(), z.object({ columns: z.array(text), rows: z.array(z.array(cell)) })).optional(),
});
export type RunTask = z.infer<typeof runTaskSchema>;
export type Execution = RunTask['executions'][number];

const summary = {
  id,
  workflow: name,
  workflowDigest: text,
  state: z.enum(runStates),
  startedBy: person,
  startedAt: text,
  until: text,
};

const runSchema = z.object({
  ...summary,
  digest: text,
  isCurrent: z.boolean(),
  policy: text,
  keyDigest: text,
  trace: text.optional(),
  inputs: z.record(z.string(), z.string().max(65_536).nullable()).optional(),
  ended: z.object({ at: text, by: person, comment: text.optional() }).optional(),
  mayEnd: z.boolean(),
  tasks: z.array(runTaskSchema),
});
export type Run = z.infer<typeof runSchema>;

const runSummarySchema = z.object({
  ...summary,
  tasks: z.array(z.object({ name, state: z.enum(taskStates) })),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

const pageSchema = z.object({ runs: z.array(runSummarySchema), next: text.optional() });

export async function getWorkflows(api: Api): Promise<readonly Workflow[]> {
  return (await getJson(api, '/v1/workflows', workflowsSchema)).workflows;
}

export function getWorkflow(api: Api, workflow: string): Promise<Workflow> {
  return getJson(api, `/v1/workflows/${encodeURIComponent(workflow)}`, workflowSchema);
}

export interface StartBody {
  readonly workflow: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly trace?: string;
}

/** `key`: the same key makes one run, however often it is sent. */
export function startRun(api: Api, body: StartBody, key: string): Promise<Run> {
  return postJson(api, '/v1/runs', runSchema, body, { 'idempotency-key': key });
}

export function getRun(api: Api, run: string): Promise<Run> {
  return getJson(api, `/v1/runs/${encodeURIComponent(run)}`, runSchema);
}

export function endRun(api: Api, run: string, comment: string | undefined): Promise<Run> {
  const body = comment === undefined ? {} : { comment };
  return postJson(api, `/v1/runs/${encodeURIComponent(run)}/end`, runSchema, body);
}

/** Newest first. */
export function runPages(
  api: Api,
  filter: { readonly workflow?: string | undefined },
  paging: Paging,
): Pages<RunSummary> {
  return pagesOf(paging, async (page) => {
    const { runs, next } = await getJson(api, `/v1/runs?${searchOf({ ...page, ...filter })}`, pageSchema);
    return { items: runs, next };
  });
}
