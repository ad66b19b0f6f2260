/** Runs with the workflows that they are under, and the results of their tasks, as they are stored. */
import { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { asCustodyError } from '#core/errors.ts';
import { parseJson, parseJsonBytes } from '#core/json.ts';
import { objectKey, TASK_RESULT } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import type { Run } from '#core/tasks/run.ts';
import { type DeclaredWorkflow, workflowSchema } from '#core/tasks/schema.ts';
import type { WorkflowTexts } from '#core/tasks/store.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';

const RESULT_MAX_BYTES = 8 << 20;

export interface KnownRun {
  readonly run: Run;
  readonly declared: DeclaredWorkflow;
  /** The configuration in force has the workflow as the run has it. */
  readonly isCurrent: boolean;
}

/** Finds the workflow of each run: in force, or as its text was stored. One reader serves one call of the API. */
export class RunReader {
  readonly #policy: Config;
  readonly #texts: Pick<WorkflowTexts, 'get'>;
  readonly #read = new Map<string, Promise<DeclaredWorkflow>>();

  constructor(policy: Config, texts: Pick<WorkflowTexts, 'get'>) {
    this.#policy = policy;
    this.#texts = texts;
  }

  async of(run: Run): Promise<KnownRun> {
    const { workflowDigest: digest } = run;
    const current = this.#policy.workflows.get(run.workflow);
    if (current !== undefined && workflowDigest(current) === digest)
      return { run, declared: current, isCurrent: true };
    if (!this.#read.has(digest)) this.#read.set(digest, this.#stored(digest));
    return { run, declared: await this.#read.get(digest)!, isCurrent: false };
  }

  async #stored(digest: string): Promise<DeclaredWorkflow> {
    return workflowSchema.parse(parseJson(await this.#texts.get(digest)));
  }
}

const envelopeSchema = z.object({ payload: z.string() });
const statementSchema = z.object({ predicate: z.looseObject({ type: z.string() }) });

/** The result of a session, as it is stored: whoever wants to know whether it holds verifies it. Undefined where there is none yet. */
export async function resultOf(session: string, source: RecordingSource): Promise<TaskResult | undefined> {
  const bytes = await source.get(objectKey(session, TASK_RESULT), RESULT_MAX_BYTES).catch(unlessMissing);
  if (bytes === undefined) return undefined;
  const { payload } = envelopeSchema.parse(parseJsonBytes(bytes, RESULT_MAX_BYTES));
  const statement = parseJsonBytes(Buffer.from(payload, 'base64'), RESULT_MAX_BYTES);
  return statementSchema.parse(statement).predicate as unknown as TaskResult;
}

function unlessMissing(error: unknown): undefined {
  if (asCustodyError(error).code === 'not-found') return undefined;
  throw error;
}
