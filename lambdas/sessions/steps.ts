import type { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import { objectKey, sessionPrefix } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { framesOf } from '#core/recording/verify/frames.ts';
import { storedEvidence } from '#core/recording/stored-evidence.ts';
import { type EvidenceFolder, verifyEvidence } from '#core/recording/verify/verify.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import type { stepsQuery, stepsShape } from './step-shape.ts';
import type { ReadPermission } from './visible.ts';

interface StepsPorts {
  readonly source: RecordingSource;
  /** The key that statements are signed with (SPKI, DER). */
  readonly signer: () => Promise<Uint8Array>;
}

type Page = z.infer<typeof stepsQuery>;

/** What one vCPU verifies and decodes in some ten seconds of a call's 25; larger recordings are played at the reader's. */
const EVIDENCE_MAX_BYTES = 32 << 20;
const RECORDED_MAX_BYTES = 256 << 20;
const OBJECTS_MAX = 1_000;
const TOO_LARGE = 'the recording is too large to be read here';
const AT_ONCE = 32;
/** Characters of JSON in a page, about. With the largest step there can be, it stays below the 6 MB that a function may answer. */
const PAGE_MAX_CHARACTERS = 1 << 20;
const FINDINGS_MAX = 20;

/**
 * A page of what was done in a session. The evidence is verified first, each time: steps are never shown as if they were whole
 * and unaltered when they are not. The permission stands for the check that was made. Rejects with `unsupported`.
 */
export async function stepsPage(
  _permission: ReadPermission,
  { id, protocol, state, outcome }: SessionRecord,
  page: Page,
  { source, signer }: StepsPorts,
): Promise<z.input<typeof stepsShape>> {
  const reader = READERS.get(protocol);
  if (reader === undefined) throw elsewhere(`the steps of ${protocol} cannot be read here`);
  if ((outcome?.bytes ?? 0) > RECORDED_MAX_BYTES) throw elsewhere(TOO_LARGE);
  const names = await source.list(sessionPrefix(id));
  await refuseTooMuch(id, names, source);
  const key = await signer();
  const evidence = fetchedOnce(storedEvidence(source, id, names, key));
  const { verdict, findings, facts } = await verifyEvidence(evidence, { trustedSigners: [key], session: id });
  return {
    session: id,
    protocol,
    verdict,
    findings: findings.slice(0, FINDINGS_MAX),
    ...(facts?.completeness === undefined ? {} : { completeness: facts.completeness }),
    ...(await taken(
      reader.steps(framesOf(evidence), 'page', () => ({ reason: facts?.reason })),
      page,
      state === 'open',
    )),
  };
}

/** The decoder cannot know that a session goes on: where it does, nothing has ended yet. */
async function taken(all: AsyncIterable<ReadStep>, { limit, cursor }: Page, isLive: boolean) {
  const steps = [];
  let [n, characters] = [0, 0];
  for await (const read of all) {
    if (isLive && read.step.kind === 'end') continue;
    if (steps.length === limit || characters >= PAGE_MAX_CHARACTERS) return { steps, next: n };
    n += 1;
    if (n <= cursor) continue;
    const json = read.toJson();
    characters += JSON.stringify(json).length;
    steps.push(json);
  }
  return { steps };
}

async function refuseTooMuch(id: string, names: readonly string[], source: RecordingSource): Promise<void> {
  if (names.length > OBJECTS_MAX) throw elsewhere(TOO_LARGE);
  const sizes = await inBatches(names, AT_ONCE, (name) => source.size(objectKey(id, name)));
  if (sizes.reduce((sum, size) => sum + size, 0) > EVIDENCE_MAX_BYTES) throw elsewhere(TOO_LARGE);
}

/** What is decoded is what was verified, and costs one reading. It is no more than EVIDENCE_MAX_BYTES. */
function fetchedOnce(folder: EvidenceFolder): EvidenceFolder {
  const fetched = new Map<string, Promise<Uint8Array>>();
  return {
    list: () => folder.list(),
    get: (name, atMost) => {
      const object = fetched.get(name) ?? folder.get(name, atMost);
      fetched.set(name, object);
      return object;
    },
  };
}

function elsewhere(what: string): CustodyError {
  return new CustodyError('unsupported', what, {
    hint: 'custody play fetches the evidence and decodes it where you are',
  });
}
