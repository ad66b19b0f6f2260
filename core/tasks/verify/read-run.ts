import { createHash } from 'node:crypto';
import { asCustodyError } from '../../errors.ts';
import { parseJsonBytes } from '../../json.ts';
import { COMMAND_KEYS, type CommandProtocol } from '../../protocols/command-parts.ts';
import type { RecordingSource } from '../../recording/ports.ts';
import type { Run } from '../run.ts';
import {
  RUN_FILE,
  RUN_KEY,
  RUN_KEY_BYTES,
  RUN_MAX_BYTES,
  RUN_WORKFLOW,
  readRunFile,
  readRunKey,
  WORKFLOW_MAX_BYTES,
} from '../run-folder.ts';
import { workflowSchema } from '../schema.ts';
import { type Workflow, workflowFrom } from '../workflows.ts';
import { LoadedShapes } from './loaded-shapes.ts';
import type { RunFindingCode, RunReport } from './report.ts';

/** The key that a command has in each protocol. */
const SPOKEN = Object.entries(COMMAND_KEYS);

/** What a verifier is given: the files of a run's folder. */
export type RunFolder = Pick<RecordingSource, 'list' | 'get'>;

/** A file's bytes; undefined after a finding, of `missing` where it is not there. */
export async function readObject(
  folder: RunFolder,
  name: string,
  atMost: number,
  missing: RunFindingCode,
  report: RunReport,
): Promise<Uint8Array | undefined> {
  try {
    const bytes = await folder.get(name, atMost);
    if (bytes.byteLength <= atMost) return bytes;
    report('object-unreadable', name, `${name} is longer than the ${atMost} bytes it may have`);
  } catch (error) {
    const { code, message } = asCustodyError(error);
    if (code === 'not-found') report(missing, name, `${name} is missing`);
    else report('object-unreadable', name, `${name} cannot be read: ${message}`);
  }
  return undefined;
}

/** The run's beginning and steps; undefined after a finding. */
export async function readRun(folder: RunFolder, report: RunReport): Promise<Run | undefined> {
  const bytes = await readObject(folder, RUN_FILE, RUN_MAX_BYTES, 'run-missing', report);
  if (bytes === undefined) return undefined;
  try {
    return readRunFile(bytes);
  } catch (error) {
    report('run-malformed', RUN_FILE, `${RUN_FILE} ${asCustodyError(error).message}`);
    return undefined;
  }
}

/** The key of its digests: the one that its beginning names by its hash. */
export async function readKey(
  folder: RunFolder,
  run: Run,
  report: RunReport,
): Promise<Uint8Array | undefined> {
  const bytes = await readObject(folder, RUN_KEY, RUN_KEY_BYTES, 'key-missing', report);
  if (bytes === undefined) return undefined;
  const key = readRunKey(bytes);
  const digest = key && sha256(key);
  if (digest === run.keyDigest) return key;
  const found = digest === undefined ? 'is no key' : `is a key with SHA-256 ${digest}`;
  report('key-mismatch', RUN_KEY, `${RUN_KEY} ${found}, and the run began with one with ${run.keyDigest}`);
  return undefined;
}

/** The workflow that the run is under: the text that its beginning names by its hash. */
export async function readWorkflow(
  folder: RunFolder,
  run: Run,
  shapes: LoadedShapes,
  report: RunReport,
): Promise<Workflow | undefined> {
  const bytes = await readObject(folder, RUN_WORKFLOW, WORKFLOW_MAX_BYTES, 'workflow-missing', report);
  if (bytes === undefined) return undefined;
  const digest = sha256(bytes);
  if (digest !== run.workflowDigest) {
    const message = `${RUN_WORKFLOW} has SHA-256 ${digest}, and the run began under ${run.workflowDigest}`;
    report('workflow-mismatch', RUN_WORKFLOW, message);
    return undefined;
  }
  try {
    return await workflowOf(run.workflow, bytes, shapes);
  } catch (error) {
    report('workflow-malformed', RUN_WORKFLOW, `${RUN_WORKFLOW} ${asCustodyError(error).message}`);
    return undefined;
  }
}

/** From its text alone: a task's target speaks what its commands are written in. Throws `format-invalid`. */
export async function workflowOf(
  name: string,
  text: Uint8Array,
  shapes = new LoadedShapes(),
): Promise<Workflow> {
  const parsed = workflowSchema.safeParse(parseJsonBytes(text, WORKFLOW_MAX_BYTES));
  // What is none has no tasks, and is refused below.
  const targets = Object.values(parsed.data?.tasks ?? {}).map(({ target, contract }) => {
    const spoken = SPOKEN.find(([, key]) => contract.does[0]?.[key] !== undefined);
    return [target, { protocol: (spoken ?? SPOKEN[0]!)[0] as CommandProtocol }] as const;
  });
  return workflowFrom(name, Buffer.from(text).toString(), new Map(targets), shapes.load);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
