/** A task's result as an in-toto Statement v1 in a DSSE envelope (FORMAT.md, "Results"). */
import { createHash } from 'node:crypto';
import { CustodyError } from '../../errors.ts';
import { isJsonObject, parseJsonBytes } from '../../json.ts';
import { CLOSE, objectKey } from '../../recording/layout.ts';
import type { Signer } from '../../recording/ports.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { ResultOutput, TaskResult } from '../result/result.ts';
import { openEnvelope, PAYLOAD_MAX_BYTES, signEnvelope } from './dsse.ts';
import { resultSchema } from './result-schema.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://custody.dev/task-result/v1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
/** in-toto's name for what a digest of rows under the run's key is made by: nobody is to take it for a SHA-256 of bytes. */
export const ROWS_DIGEST = 'custodyRows';

/** What an artifact is, as in-toto's DigestSet. */
export type DigestSet = { readonly sha256: string } | { readonly [ROWS_DIGEST]: string };

export interface Subject {
  readonly name: string;
  readonly digest: DigestSet;
}

/** A result, signed. */
export interface SignedResult {
  /** The envelope: `sessions/<id>/task.json`. */
  readonly bytes: Uint8Array;
  /** SHA-256 of its payload: what the step `task-ended` and its leaf name. */
  readonly digest: string;
}

/** The result's statement, byte for byte: what is signed. Equal results have equal bytes. */
export function resultBytes(result: TaskResult): Uint8Array {
  const statement = {
    _type: STATEMENT_TYPE,
    subject: subjectsOf(result),
    predicateType: PREDICATE_TYPE,
    predicate: result,
  };
  return Buffer.from(canonicalJson(statement));
}

/** The end of the evidence that it was derived of, then its outputs. */
export function subjectsOf({ session, task, evidence, outputs }: TaskResult): readonly Subject[] {
  const sealed = { name: objectKey(session, CLOSE), digest: { sha256: evidence.close } };
  return [
    sealed,
    ...outputs.map((output) => ({ name: `${task}.${output.name}`, digest: digestSetOf(output) })),
  ];
}

/** Of rows under the run's key, or of bytes. */
export function digestSetOf(output: ResultOutput): DigestSet {
  return 'digest' in output ? { [ROWS_DIGEST]: output.digest } : { sha256: output.sha256 };
}

export async function signResult(result: TaskResult, signer: Signer): Promise<SignedResult> {
  const payload = resultBytes(result);
  return { bytes: await signEnvelope(PAYLOAD_TYPE, payload, signer), digest: sha256(payload) };
}

/**
 * The result in an envelope that `signer` (SubjectPublicKeyInfo, DER) signed. Strict: its statement is the one that `resultBytes`
 * makes of the result, to the byte. Throws `format-invalid`; the message completes "task.json …".
 */
export function openResult(
  bytes: Uint8Array,
  signer: Uint8Array,
): { readonly result: TaskResult; readonly digest: string } {
  const payload = openEnvelope(bytes, PAYLOAD_TYPE, signer);
  return { result: readResult(payload), digest: sha256(payload) };
}

/** The result in a statement whose signature was looked at. */
export function readResult(payload: Uint8Array): TaskResult {
  const statement = parseJsonBytes(payload, PAYLOAD_MAX_BYTES);
  if (!isJsonObject(statement) || statement['_type'] !== STATEMENT_TYPE)
    throw invalid('has no in-toto Statement, version 1');
  if (statement['predicateType'] !== PREDICATE_TYPE)
    throw invalid(`has a statement whose predicate is not ${PREDICATE_TYPE}`);
  const parsed = resultSchema.safeParse(statement['predicate']);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`has a result that cannot be read: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const result = parsed.data as TaskResult;
  if (Buffer.compare(resultBytes(result), payload) === 0) return result;
  throw invalid('has a statement that is not written as that of its result is');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
