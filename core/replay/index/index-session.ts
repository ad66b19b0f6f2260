/** Indexes of sessions in a store, beside their evidence (core/recording/layout.ts, `indexPrefix`). */

import { asCustodyError } from '#core/errors.ts';
import { CLOSE, sessionPrefix, signatureName } from '#core/recording/layout.ts';
import type { RecordingSink, RecordingSource, Signer } from '#core/recording/ports.ts';
import { storedEvidence } from '#core/recording/stored-evidence.ts';
import { CheckedSteps } from './checked-steps.ts';
import { type Directory, FINDINGS_MAX, type SegmentEntry } from './format.ts';
import { lateFindings } from './late-result.ts';
import { type IndexedEvidence, madeOf, withoutResult } from './made-of.ts';
import { checkSegment, directoryOf, type EachStep, makeIndex, write } from './make-index.ts';
import { openIndex, type Unfit } from './open-index.ts';
import type { StepPage, StepQuery } from './query.ts';
import { StepIndex } from './step-index.ts';

export interface IndexPorts {
  readonly store: RecordingSource & RecordingSink;
  readonly signer: Signer;
}

/** What an index says of its session, and what stands beside it. */
export type IndexAbout = Pick<
  Directory,
  'session' | 'protocol' | 'startedAt' | 'verdict' | 'findings' | 'found' | 'completeness' | 'total'
>;

export type Indexing =
  | { readonly state: 'current'; readonly about: IndexAbout }
  /** `why`: there was one, and it was no good. */
  | { readonly state: 'made'; readonly about: IndexAbout; readonly why?: string }
  /** It has no end yet: ask again when it has. */
  | { readonly state: 'unsealed' }
  /** No step of it can be told, and none ever will: its protocol is not read here, or there is no opening. */
  | { readonly state: 'unreadable'; readonly why: string };

/**
 * Makes the index of a sealed session where there is none that fits. It may be run twice at once and killed at any time. `each` hears
 * of each step while it is decoded, and of none where the index is there. `deep`: an index counts only if everything of it is right.
 */
export async function indexSession(
  session: string,
  { store, signer }: IndexPorts,
  { each, deep }: { readonly each?: EachStep; readonly deep?: boolean } = {},
): Promise<Indexing> {
  const evidence = await evidenceOf(session, store, await signer.publicKey());
  if (!isSealed(await evidence.folder.list())) return { state: 'unsealed' };
  try {
    const made = await makeIndex({
      ...{ evidence, store, name: session, signer },
      ...(each === undefined ? {} : { each }),
      ...(deep === undefined ? {} : { deep }),
    });
    const about = aboutOf(made.index.directory);
    if (made.state === 'current') return { state: 'current', about };
    return { state: 'made', about, ...(made.why === undefined ? {} : { why: made.why }) };
  } catch (thrown) {
    const { code, message } = asCustodyError(thrown);
    if (code === 'unsupported') return { state: 'unreadable', why: message };
    throw thrown;
  }
}

export function isSealed(names: readonly string[]): boolean {
  return names.includes(CLOSE) && names.includes(signatureName(CLOSE));
}

/** A session's evidence as it is in the store now, under the deployment's own key. */
export async function evidenceOf(
  session: string,
  source: RecordingSource,
  signer: Uint8Array,
): Promise<IndexedEvidence> {
  const found = await source.sizes(sessionPrefix(session));
  const names = [...found.keys()];
  return {
    folder: storedEvidence(source, session, names, signer),
    sizes: async () => found,
    trust: { trustedSigners: [signer], session },
  };
}

/** Steps that can be paged, with what is known of the evidence that they are of. */
export interface SessionSteps {
  readonly about: IndexAbout;
  readonly index: StepIndex;
  page(query: StepQuery): Promise<CheckedPage>;
}

export interface CheckedPage extends StepPage {
  /** Of so many segments that steps of the page are from, so many were read again and are what the index was made of. */
  readonly checked: { readonly segments: number; readonly of: number };
}

/** The index of a session, if there is one that fits. Rejects with `unsupported` where no step can be told. */
export async function openSessionSteps(
  session: string,
  source: RecordingSource,
  signer: Uint8Array,
): Promise<SessionSteps | Unfit> {
  const evidence = await evidenceOf(session, source, signer);
  const found = await openIndex({ evidence, store: source, name: session, signer });
  return found.index === undefined ? found : stepsIn(found.index, evidence);
}

/** Of any evidence. The result of a task, which came later, is checked now. */
export async function stepsIn(index: StepIndex, evidence: IndexedEvidence): Promise<SessionSteps> {
  return {
    index,
    about: await withResult(aboutOf(index.directory), evidence),
    page: async (query) => {
      const page = await index.page(query);
      return { ...page, checked: await checkSegments(page, index, evidence) };
    },
  };
}

/**
 * The same without a store: the evidence is decoded now, and its steps are held in memory, compressed. For recordings of a size that
 * allows it.
 */
export async function decodeSteps(evidence: IndexedEvidence): Promise<SessionSteps> {
  const parts = new Map<string, Uint8Array>();
  const pending: SegmentEntry[] = [];
  const plain = withoutResult(evidence);
  const steps = await CheckedSteps.open(plain.folder, plain.trust, (...entry) => void pending.push(entry));
  const { report, contents } = await write(
    steps,
    pending,
    async (name, bytes) => void parts.set(name, bytes),
  );
  const directory = directoryOf(steps, report, await madeOf(plain), contents);
  const index = new StepIndex(directory, async (name) => parts.get(name)!);
  const about = await withResult(aboutOf(directory), evidence);
  return {
    index,
    about,
    page: async (query) => {
      const page = await index.page(query);
      const of = segmentsOf(page).length;
      return { ...page, checked: { segments: of, of } };
    },
  };
}

/** Segments that are read again for one page: some 64 MiB as the recorder makes them. */
const CHECKED_MAX = 8;

/** Rejects with `state-damaged`. */
async function checkSegments(
  page: StepPage,
  index: StepIndex,
  evidence: IndexedEvidence,
): Promise<CheckedPage['checked']> {
  const all = segmentsOf(page);
  const entries = await index.segments(all.slice(0, CHECKED_MAX));
  for (const entry of entries) await checkSegment(entry, evidence);
  return { segments: entries.length, of: all.length };
}

/** Those that its steps are from: first the ones in which they were complete, then those that they went on through. */
function segmentsOf({ steps }: StepPage): readonly number[] {
  const all = new Set(steps.map(({ segment }) => segment));
  for (const { since, segment } of steps)
    for (let number = since; number < segment; number += 1) all.add(number);
  return [...all];
}

function aboutOf(directory: Directory): IndexAbout {
  const { session, protocol, startedAt, verdict, findings, found, completeness, total } = directory;
  const about = { session, protocol, startedAt, verdict, findings, found, total };
  return completeness === undefined ? about : { ...about, completeness };
}

async function withResult(about: IndexAbout, evidence: IndexedEvidence): Promise<IndexAbout> {
  const more = await lateFindings(evidence);
  if (more.length === 0) return about;
  const findings = [...about.findings, ...more].slice(0, FINDINGS_MAX);
  return { ...about, findings, found: about.found + more.length, verdict: 'failed' };
}
