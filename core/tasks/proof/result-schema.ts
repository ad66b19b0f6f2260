/** A TaskResult as it is read: nothing may stand in it that nobody knows. */
import { z } from 'zod';
import { deviationKinds } from '../deviation.ts';
import { verdicts } from '../result/result.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uuid = z.uuidv7().lowercase();
const time = z.iso.datetime({ precision: 3 });
const count = z.int().min(0);
const account = z.strictObject({ issuer: z.string(), subject: z.string() });

export const outcomes = ['completed', 'failed', 'refused', 'skipped', 'unfinished'] as const;

const commandSchema = z.strictObject({
  command: z.string().optional(),
  shape: sha256.optional(),
  at: count,
  tookMs: z.number().min(0),
  outcome: z.enum(outcomes),
  rows: count.optional(),
  affected: count.optional(),
  undone: z.literal(true).optional(),
  trace: z.string().optional(),
});

const deviationSchema = z.strictObject({
  kind: z.enum(deviationKinds),
  command: z.string().optional(),
  expected: z.string(),
  seen: z.string(),
  at: count,
  how: z.enum(['recorded', 'stopped', 'approved', 'denied']),
  request: uuid.optional(),
});

const lineageSchema = z.strictObject({
  command: z.string(),
  hole: z.string(),
  from: z.string(),
  values: count,
  found: count,
  session: uuid.optional(),
});

const inputSchema = z.strictObject({
  name: z.string(),
  of: z.string(),
  from: z.string().optional(),
  sha256,
  bytes: count,
  matches: z.boolean(),
  session: uuid.optional(),
});

const part = { name: z.string(), of: z.string() };
const outputSchema = z.union([
  z.strictObject({
    ...part,
    rows: count,
    digest: sha256,
    columns: z.array(z.strictObject({ name: z.string(), distinct: count, digest: sha256 })),
    kept: z.array(z.array(z.string().nullable())).optional(),
  }),
  z.strictObject({ ...part, sha256, bytes: count, kept: z.string().optional() }),
]);

export const resultSchema = z.strictObject({
  type: z.literal('custody/task-result/1'),
  run: uuid,
  beginning: sha256,
  workflow: z.strictObject({ name: z.string(), digest: sha256 }),
  task: z.string(),
  session: uuid,
  operator: z.strictObject({
    ...account.shape,
    email: z.string().optional(),
    actors: z.array(account).min(1).optional(),
    groups: z.array(z.string()),
  }),
  startedAt: time,
  endedAt: time,
  verdict: z.enum(verdicts),
  commands: z.array(commandSchema),
  commandsOmitted: count,
  deviations: z.array(deviationSchema),
  deviationsOmitted: count,
  lineage: z.array(lineageSchema),
  inputs: z.array(inputSchema),
  outputs: z.array(outputSchema),
  evidence: z.strictObject({ open: sha256, close: sha256 }),
});
