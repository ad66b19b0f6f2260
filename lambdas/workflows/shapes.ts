/** What the API says of workflows: what people and agents may do, as the contracts have it. */
import { z } from 'zod';
import { NAME } from '#core/access/names.ts';
import { commandParts } from '#core/protocols/command-parts.ts';
import { runInputSchema, valueSchema } from '#core/tasks/schema.ts';
import { count, targetName } from '../shapes.ts';

export const workflowName = z
  .string()
  .regex(new RegExp(`^${NAME}$`))
  .meta({ example: 'refunds' });
export const taskName = z
  .string()
  .regex(new RegExp(`^${NAME}$`))
  .meta({ example: 'find' });

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: 'SHA-256, hex' });

const between = z.object({ min: count, max: count.optional() });

const commandShape = z.object({
  name: z.string(),
  ...commandParts,
  values: z.record(z.string(), valueSchema).meta({ description: 'by its open place, what it may be' }),
  times: z.object({ min: count, max: count }),
  answers: z.object({
    rows: between.optional(),
    affected: between.optional(),
    columns: z.array(z.string()).readonly().optional(),
    error: z.enum(['none', 'any']),
    withinMs: count.optional(),
  }),
});

const part = {
  of: z.string(),
  columns: z.array(z.string()).readonly().optional(),
  stream: z.string().optional(),
};

/** A task as it is declared. */
export const taskParts = {
  name: taskName,
  description: z.string().optional(),
  target: targetName,
  protocol: z.string().optional().meta({ description: 'absent where the target is no longer there' }),
  login: z.string().optional(),
  after: z.array(taskName).readonly(),
  withinSeconds: count,
  runs: count.meta({ description: 'how often it may run in one run' }),
  mayRun: z.boolean().meta({ description: 'true where you are one of those who may run it' }),
  order: z.enum(['any', 'strict']),
  allow: z.array(z.string()).readonly(),
  onDeviation: z.enum(['record', 'stop', 'ask']),
  ask: z
    .object({
      approvals: count,
      any: z.array(z.string()).readonly().optional(),
      all: z.array(z.string()).readonly().optional(),
      waitSeconds: count,
    })
    .optional(),
  does: z.array(commandShape).readonly(),
  sets: z.record(z.string(), valueSchema),
  inputs: z.record(
    z.string(),
    z.object({ ...part, from: z.string().optional(), input: z.string().optional() }),
  ),
  outputs: z.record(z.string(), z.object({ ...part, keep: z.boolean() })),
};

export const workflowShape = z
  .object({
    name: workflowName,
    digest: sha256,
    description: z.string().optional(),
    withinSeconds: count,
    inputs: z.record(z.string(), runInputSchema),
    mayStart: z.boolean(),
    text: z
      .string()
      .meta({ description: 'the declaration as canonical JSON (RFC 8785): what the digest is of' }),
    tasks: z.array(z.object(taskParts).meta({ id: 'WorkflowTask' })).readonly(),
  })
  .meta({ id: 'Workflow' });

export const workflowsShape = z
  .object({ workflows: z.array(workflowShape).readonly() })
  .meta({ id: 'Workflows' });
