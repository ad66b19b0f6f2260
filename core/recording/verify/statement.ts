import { verify } from 'node:crypto';
import type { z } from 'zod';
import { asCustodyError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { STATEMENT_MAX_BYTES } from '../format.ts';
import { signatureName } from '../layout.ts';
import { parseStrictJson } from './json.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import { type SignerKey, sha256Hex } from './signer.ts';

/** A statement that could be read; its signature may still be bad, which is then among the findings. */
export interface Statement<T> {
  readonly value: T;
  /** SHA-256 of the file. */
  readonly sha256: string;
}

/** ECDSA P-256 in DER is at most 72 bytes. */
const SIGNATURE_MAX_BYTES = 72;

/** Reads a statement and its detached signature. `type` is the one type known under this name. */
export async function readStatement<T extends { readonly signer: string }>(
  name: string,
  type: string,
  schema: z.ZodType<T>,
  signer: SignerKey | undefined,
  objects: Objects,
  report: Report,
): Promise<Statement<T> | undefined> {
  const bytes = await objects.read(name, STATEMENT_MAX_BYTES);
  if (bytes === undefined) return undefined;
  await checkSignature(name, bytes, signer, objects, report);
  const value = parseStatement(name, type, schema, bytes, report);
  if (value === undefined) return undefined;
  if (signer !== undefined && value.signer !== signer.fingerprint) {
    const message = `${name} names the signer ${value.signer}, but signer.pem is the key ${signer.fingerprint}`;
    report('signer-mismatch', name, message);
  }
  return { value, sha256: sha256Hex(bytes) };
}

async function checkSignature(
  name: string,
  bytes: Uint8Array,
  signer: SignerKey | undefined,
  objects: Objects,
  report: Report,
): Promise<void> {
  const signatureFile = signatureName(name);
  if (!objects.names.has(signatureFile)) {
    report('signature-missing', signatureFile, `${signatureFile} is missing: ${name} is not signed`);
    return;
  }
  const signature = await objects.read(signatureFile, SIGNATURE_MAX_BYTES);
  if (signature === undefined || signer === undefined) return;
  if (!verify('sha256', bytes, { key: signer.key, dsaEncoding: 'der' }, signature)) {
    const message = `${signatureFile} is not a signature over ${name} by the key ${signer.fingerprint} in signer.pem`;
    report('signature-invalid', name, message);
  }
}

function parseStatement<T>(
  name: string,
  type: string,
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  report: Report,
): T | undefined {
  try {
    const json = parseStrictJson(bytes);
    if (typeof json['type'] === 'string' && json['type'] !== type) {
      const message = `${name} is of type "${printable(json['type'])}", expected "${type}"`;
      report('statement-type-unknown', name, message);
      return undefined;
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    report('statement-malformed', name, `${name} is not a ${type} statement: ${firstIssue(parsed.error)}`);
  } catch (thrown) {
    report('statement-malformed', name, `${name} ${asCustodyError(thrown).message}`);
  }
  return undefined;
}

/** "startedAt: Invalid ISO datetime". zod's words do not repeat the input. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'unknown' : `${issue.path.join('.')}: ${issue.message}`;
}
