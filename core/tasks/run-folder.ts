/** What proves a run, as files (FORMAT.md, "The run's folder"). The only place that names them. */
import { z } from 'zod';
import { personOf } from '../access/person.ts';
import { CustodyError } from '../errors.ts';
import { isJsonObject, parseJsonBytes } from '../json.ts';
import { canonicalJson } from './canonical-json.ts';
import { deviationKinds } from './deviation.ts';
import { verdicts } from './result/result.ts';
import type { Run, RunBeginning } from './run.ts';
import { digestOf } from './run-lifecycle.ts';

export const RUN_FILE = 'run.json';
/** The key of the run's digests: 64 hexadecimal digits and a line feed. */
export const RUN_KEY = 'run.key';
/** The workflow's text, byte for byte. */
export const RUN_WORKFLOW = 'workflow.json';
/** Access requests by which deviations were approved. */
export const RUN_REQUESTS = 'requests/';

export const RUN_MAX_BYTES = 4 << 20;
export const WORKFLOW_MAX_BYTES = 4 << 20;
export const RUN_KEY_BYTES = 65;

export function requestName(id: string): string {
  return `${RUN_REQUESTS}${id}.json`;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uuid = z.uuidv7().lowercase();
const time = z.iso.datetime({ precision: 3 });
const account = z.strictObject({ issuer: z.string(), subject: z.string() });
const person = z.strictObject({
  ...account.shape,
  email: z.string().optional(),
  actors: z.array(account).min(1).optional(),
});
const execution = { at: time, task: z.string(), session: uuid };

const stepSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task-started'), ...execution }),
  z.strictObject({
    kind: z.literal('deviated'),
    ...execution,
    deviation: z.enum(deviationKinds),
    how: z.enum(['recorded', 'asked', 'stopped']),
  }),
  z.strictObject({ kind: z.literal('task-ended'), ...execution, verdict: z.enum(verdicts), result: sha256 }),
  z.strictObject({ kind: z.literal('ended'), at: time, by: person, comment: z.string().optional() }),
]);

const beginningSchema = z.strictObject({
  workflow: z.string(),
  workflowDigest: sha256,
  policy: sha256,
  startedBy: person,
  startedAt: time,
  until: time,
  inputs: z.record(z.string(), z.string().nullable()),
  keyDigest: sha256,
  trace: z.string().optional(),
});

/** Nobody signed the file: it is what the ledger has the digests of, and nothing may stand in it that nobody checks. */
const runFileSchema = z.strictObject({
  type: z.literal('custody/run/1'),
  run: uuid,
  beginning: beginningSchema,
  steps: z.array(stepSchema).max(4000),
});

/** `run.json`: its beginning and its steps. */
export function runFile(run: Run): Uint8Array {
  const { workflow, workflowDigest, policy, startedBy, startedAt, until, inputs, keyDigest, trace } = run;
  const who = { startedBy: personOf(startedBy) };
  const beginning = { workflow, workflowDigest, policy, ...who, startedAt, until, inputs, keyDigest, trace };
  const steps = run.steps.map((step) => (step.kind === 'ended' ? { ...step, by: personOf(step.by) } : step));
  return Buffer.from(`${canonicalJson({ type: 'custody/run/1', run: run.id, beginning, steps })}\n`);
}

/** Throws `format-invalid`; the message completes "run.json …". Its digest is made of what it says. */
export function readRunFile(bytes: Uint8Array): Run {
  const json = parseJsonBytes(bytes, RUN_MAX_BYTES);
  if (!isJsonObject(json)) throw invalid('is not a JSON object');
  const parsed = runFileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`is not as a run is written: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { run: id, steps } = parsed.data;
  const beginning = parsed.data.beginning as RunBeginning;
  return { ...beginning, id, digest: digestOf(beginning), steps: steps as Run['steps'] };
}

export function runKeyFile(key: Uint8Array): Uint8Array {
  return Buffer.from(`${Buffer.from(key).toString('hex')}\n`);
}

/** Undefined for what is no key. */
export function readRunKey(bytes: Uint8Array): Uint8Array | undefined {
  const [, hex] = /^([0-9a-f]{64})\n$/.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
