import { createHash } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import { type CloseStatement, type OpenStatement, STATEMENT_MAX_BYTES } from './format.ts';
import { CLOSE, OPEN, objectKey, signatureName } from './layout.ts';
import type { RecordingSink, Signer } from './ports.ts';

/** SHA-256 in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The statement's bytes: what is signed and stored. Throws `internal` when it would not fit FORMAT.md's limit. */
export function statementBytes(statement: OpenStatement | CloseStatement): Uint8Array {
  const bytes = Buffer.from(`${JSON.stringify(statement, null, 1)}\n`);
  if (bytes.byteLength > STATEMENT_MAX_BYTES) {
    throw new CustodyError('internal', 'the session could not be opened', {
      detail: `${statement.type} is ${bytes.byteLength} bytes, more than ${STATEMENT_MAX_BYTES}`,
    });
  }
  return bytes;
}

/**
 * Signs and stores `open.json`. The signature goes first: an `open.json` in the store is therefore always signed,
 * and recovery never has to sign an opening it did not make.
 * Returns the statement's hash, where the chain begins.
 */
export async function storeOpen(
  statement: OpenStatement,
  signer: Signer,
  sink: RecordingSink,
): Promise<string> {
  const bytes = statementBytes(statement);
  const signature = await signer.sign(bytes);
  await sink.put(objectKey(statement.session, signatureName(OPEN)), signature);
  await sink.put(objectKey(statement.session, OPEN), bytes);
  return sha256Hex(bytes);
}

/**
 * Stores and signs `close.json`. The statement goes first: if the gateway dies before the signature is stored, the
 * sealer checks the statement against the chain and signs it.
 */
export async function storeClose(
  statement: CloseStatement,
  signer: Signer,
  sink: RecordingSink,
): Promise<void> {
  const bytes = statementBytes(statement);
  const signature = await signer.sign(bytes);
  await sink.put(objectKey(statement.session, CLOSE), bytes);
  await sink.put(objectKey(statement.session, signatureName(CLOSE)), signature);
}

/** As many groups as fit in `maxBytes` of JSON, and how many were left out. */
export function boundGroups(
  groups: readonly string[],
  maxBytes = 1024,
): { groups: string[]; groupsOmitted: number } {
  const kept: string[] = [];
  let used = 0;
  for (const group of groups) {
    used += Buffer.byteLength(JSON.stringify(group)) + 8;
    if (used > maxBytes) break;
    kept.push(group);
  }
  return { groups: kept, groupsOmitted: groups.length - kept.length };
}

/** A client's own words, cut to `maxBytes` of UTF-8 JSON so that a statement stays inside its limit. */
export function boundText(text: string, maxBytes = 200): string {
  let cut = text.slice(0, maxBytes);
  while (Buffer.byteLength(JSON.stringify(cut)) > maxBytes + 2) cut = cut.slice(0, -1);
  return cut.toWellFormed();
}
