/** A run's own files, of what the API answers about it: what is written is what can be read again, so a server chooses neither a name nor a form. */
import { CustodyError } from '../../errors.ts';
import type { RunProof } from '../../ledger/run-proof.ts';
import { LEDGER_PROOF } from '../../recording/layout.ts';
import type { Run } from '../run.ts';
import {
  RUN_FILE,
  RUN_KEY,
  RUN_WORKFLOW,
  readRunFile,
  readRunKey,
  requestName,
  runFile,
  runKeyFile,
} from '../run-folder.ts';
import { readRequestFile } from './request-file.ts';

/** As `GET /v1/runs/{id}/evidence` answers it, unchecked. */
export interface RunAnswer {
  /** As it is stored. */
  readonly run: Readonly<Record<string, unknown>>;
  /** Base64. */
  readonly key: string;
  readonly workflow: string;
  /** Absent until the run is in the ledger. */
  readonly proof?: RunProof | undefined;
  /** The texts of `requests/….json`. */
  readonly requests: readonly string[];
}

/** By their names in the run's folder, whose other files are its sessions'. Throws `format-invalid` for what no verifier could read. */
export function runFiles({
  run,
  key,
  workflow,
  proof,
  requests,
}: RunAnswer): ReadonlyMap<string, Uint8Array> {
  const files = new Map([
    [RUN_FILE, ofRun(run)],
    [RUN_KEY, ofKey(key)],
    [RUN_WORKFLOW, utf8(workflow)],
  ]);
  for (const text of requests) {
    const [name, bytes] = ofRequest(text);
    if (files.has(name)) throw invalid(`${name} is there twice`);
    files.set(name, bytes);
  }
  if (proof !== undefined) files.set(LEDGER_PROOF, utf8(`${JSON.stringify(proof)}\n`));
  return files;
}

function ofRun(run: RunAnswer['run']): Uint8Array {
  return readable(RUN_FILE, () => {
    const bytes = runFile(run as unknown as Run);
    readRunFile(bytes);
    return bytes;
  });
}

function ofKey(key: string): Uint8Array {
  const bytes = runKeyFile(Buffer.from(key, 'base64'));
  if (readRunKey(bytes) === undefined) throw invalid(`${RUN_KEY} is no key`);
  return bytes;
}

function ofRequest(text: string): readonly [name: string, bytes: Uint8Array] {
  const bytes = utf8(text);
  const { id } = readable('a request', () => readRequestFile(bytes));
  return [requestName(id), bytes];
}

/** Writing what is no run fails too, as a program's mistake would. */
function readable<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const why = thrown instanceof CustodyError ? thrown.message : 'is not as a run is written';
    throw invalid(`${name} ${why}`, thrown);
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function invalid(why: string, cause?: unknown): CustodyError {
  return new CustodyError('format-invalid', `the server's evidence of the run is refused: ${why}`, {
    hint: 'tell whoever runs the gateway',
    ...(cause === undefined ? {} : { cause }),
  });
}
