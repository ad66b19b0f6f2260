/** Puts sealed sessions into the search, from their index: to decode evidence once is enough. */
import type { Config } from '../access/config.ts';
import { leftOutOf } from '../access/left-out.ts';
import { parseJsonBytes } from '../json.ts';
import { openStatementSchema, STATEMENT_MAX_BYTES } from '../recording/format.ts';
import { OPEN, objectKey } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';
import type { SessionRecord } from '../recording/session-index.ts';
import { sha256Hex } from '../recording/statements.ts';
import { evidenceOf, isSealed, openSessionSteps } from '../replay/index/index-session.ts';
import { LOAD_FACTS } from '../replay/load-facts.ts';
import type { JsonStep } from '../replay/reader.ts';
import { READERS } from '../replay/readers.ts';
import type { Redaction } from '../replay/redact/redaction.ts';
import type { Redactions } from '../replay/redact/redactions.ts';
import { withheld } from '../replay/redact/withheld.ts';
import { type SearchedStep, sessionOfRecord } from './entry.ts';
import type { StepSearch } from './port.ts';

export interface FillPorts {
  readonly search: Pick<StepSearch, 'add'>;
  readonly source: RecordingSource;
  /** The key that statements and indexes are signed with (SPKI, DER). */
  readonly signer: () => Promise<Uint8Array>;
  readonly redactions: Redactions;
}

/** Of what is found in steps: where it changes, all is added again. */
const FACTS_VERSION = 1;
/** Of a session of whose texts nothing is found. */
export const WITHHELD = 'withheld';

/** What was left out of a session's steps before they were added. */
export function rulesOf({ target }: Pick<SessionRecord, 'target'>, config: Config): string {
  const rules = leftOutOf(target, config);
  if (rules === 'all') return WITHHELD;
  const text = rules === undefined ? '' : sha256Hex(Buffer.from(JSON.stringify(rules))).slice(0, 32);
  return `${FACTS_VERSION} ${text}`;
}

/**
 * Adds a session as whoever may see the least of it sees it: what its target leaves out is found by nobody. False where it is not sealed
 * in the store, or waits for its index. Rejects with `unsupported` where no step of it can be told.
 */
export async function addToSearch(record: SessionRecord, policy: Config, ports: FillPorts): Promise<boolean> {
  const { search, source, signer, redactions } = ports;
  const evidence = await evidenceOf(record.id, source, await signer());
  if (!isSealed(await evidence.folder.list())) return false;
  const isWithheld = leftOutOf(record.target, policy) === 'all';
  const redaction = isWithheld ? { step: withheld } : await redactions.of(record, policy);
  const { index } = await openSessionSteps(record.id, source, await signer());
  if (index === undefined) return false;
  const open = openStatementSchema.parse(
    parseJsonBytes(await source.get(objectKey(record.id, OPEN), STATEMENT_MAX_BYTES), STATEMENT_MAX_BYTES),
  );
  const steps = searched(index.all(), record, redaction);
  await search.add(sessionOfRecord(record, open.device), steps, rulesOf(record, policy));
  return true;
}

async function* searched(
  stored: AsyncIterable<{ readonly number: number; readonly json: JsonStep }>,
  { protocol }: SessionRecord,
  redaction: Pick<Redaction, 'step'> | undefined,
): AsyncGenerator<SearchedStep> {
  const facts = await LOAD_FACTS.get(protocol)!();
  const reader = READERS.get(protocol)!;
  for await (const { number, json } of stored) {
    const read = reader.ofJson(json);
    const seen = redaction === undefined ? read : redaction.step(read);
    yield { step: number, at: read.step.at, facts: facts(seen) };
  }
}
