import { createPublicKey } from 'node:crypto';
import type pg from 'pg';
import { type DurabilityMode, durabilityModes } from '#core/recording/format.ts';
import { sessionPrefix, wasNeverOpen } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { type RecordedFrame, readFrames } from '#core/recording/read.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { storedEvidence } from '#core/recording/stored-evidence.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { type Oracle, type Sent, sessionOf } from './oracle.ts';

const WINDOW_MS = 250;
const TAG = /(?:windowed|write-ahead)-r\d+-c\d+-s\d+-\d+\./g;

/** What a round's evidence says, against what the target did. */
export interface Checked {
  readonly sessions: number;
  readonly recovered: number;
  readonly statements: number;
  readonly executed: Readonly<Record<DurabilityMode, number>>;
  /** Statements that the target executed and the recording does not have. */
  readonly lost: Readonly<Record<DurabilityMode, number>>;
  /** Of sessions that lost something: from the first lost statement to the last that the target executed, milliseconds. */
  readonly lostSpansMs: readonly number[];
  /** Answers that a client got and the recording does not have. */
  readonly answersLost: number;
  /** What must not be. Empty when all is well. */
  readonly wrong: readonly string[];
}

/** What is left of a round, wherever it is kept. */
export interface Remains {
  readonly store: Pick<RecordingSource, 'get' | 'list'>;
  /** The signing key, PEM. */
  readonly signerPem: string;
  /** All there are, in any order. */
  sessions(): Promise<readonly SessionRecord[]>;
  /** Straight to the target, with the gateway's credential. */
  database(): Promise<pg.Client>;
}

/** Makes the table that clients write into. */
export async function prepareTarget(remains: Remains): Promise<void> {
  const client = await remains.database();
  await client.query('create table if not exists chaos (tag text)');
  await client.end();
}

/** `known`: sessions of earlier rounds; gets those of this one. */
export async function checkRound(
  remains: Remains,
  round: { readonly sent: readonly Sent[] },
  known: Set<string>,
  oracle: Oracle = postgresOracle(remains),
): Promise<Checked> {
  const isFresh = ({ id, protocol }: SessionRecord): boolean =>
    protocol === oracle.protocol && !known.has(id);
  const fresh = (await remains.sessions()).filter(isFresh);
  for (const { id } of fresh) known.add(id);
  const wrong: string[] = [];
  const recorded = new Map<string, number>();
  const answered = new Set<string>();
  for (const session of fresh) {
    const frames = await framesOf(remains, session.id);
    wrong.push(...(await problemsOf(remains, session)));
    wrong.push(...(await oracle.problems(frames, round.sent)).map((problem) => `${session.id}: ${problem}`));
    for (const tag of tagsIn(oracle.said(frames))) recorded.set(tag, (recorded.get(tag) ?? 0) + 1);
    for (const tag of tagsIn(oracle.answered?.(frames) ?? '')) answered.add(tag);
  }
  const executed = await oracle.executed(round.sent);
  for (const [tag, times] of recorded)
    if (times > 1) wrong.push(`${tag} is in the recordings ${times} times`);
  for (const { tag, ackedAt } of round.sent)
    if (ackedAt !== undefined && !executed.has(tag)) wrong.push(`${tag} was acknowledged and not executed`);
  const lost = round.sent.filter(({ tag }) => executed.has(tag) && !recorded.has(tag));
  for (const { tag, mode } of lost)
    if (mode === 'write-ahead') wrong.push(`${tag} was executed and is not recorded`);
  const lostSpansMs = spans(lost, executed);
  for (const span of lostSpansMs) if (span > WINDOW_MS) wrong.push(`a session lost ${span} ms`);
  const unheard = oracle.answered === undefined ? [] : acknowledged(round.sent, answered);
  const heard = new Map(round.sent.map(({ tag, ackedAt }) => [tag, ackedAt ?? 0]));
  for (const span of spans(unheard, heard))
    if (span > WINDOW_MS) wrong.push(`a session lost answers of ${span} ms`);
  return {
    sessions: fresh.length,
    recovered: fresh.filter(({ outcome }) => outcome?.recovered).length,
    statements: round.sent.length,
    executed: countByMode(round.sent.filter(({ tag }) => executed.has(tag))),
    lost: countByMode(lost),
    lostSpansMs,
    answersLost: unheard.length,
    wrong,
  };
}

/** What a table at the target has. */
function postgresOracle(remains: Remains): Oracle {
  return {
    protocol: 'postgres',
    executed: async (sent) => {
      const tags = await executedTags(remains, sent);
      return new Map(sent.filter(({ tag }) => tags.has(tag)).map(({ tag, sentAt }) => [tag, sentAt]));
    },
    said: (frames) => {
      const parts = frames.filter(({ stream }) => stream === 'client').map(({ payload }) => payload);
      return Buffer.concat(parts).toString('latin1');
    },
    problems: async () => [],
  };
}

async function problemsOf({ store, signerPem }: Remains, { id, outcome }: SessionRecord): Promise<string[]> {
  const names = await store.list(sessionPrefix(id));
  // It died before the session was open, and nothing has reached the target.
  if (wasNeverOpen(names) && outcome?.reason === 'gateway-failed') return [];
  const trusted = createPublicKey(signerPem).export({ type: 'spki', format: 'der' });
  const evidence = storedEvidence(store, id, names, trusted);
  const report = await verifyEvidence(evidence, { trustedSigners: [trusted], session: id });
  const unsealed = outcome === undefined ? [`${id} is not sealed`] : [];
  const findings = report.findings.map(({ code, message }) => `${id}: ${code}: ${message}`);
  const verdict = report.verdict === 'verified' ? [] : [`${id} is ${report.verdict}`];
  return [...unsealed, ...verdict, ...findings];
}

async function framesOf({ store }: Remains, session: string): Promise<readonly RecordedFrame[]> {
  const names = (await store.list(sessionPrefix(session))).filter((name) => name.endsWith('.seg'));
  const frames: RecordedFrame[] = [];
  for (const name of names) {
    for (const frame of readFrames(await store.get(sessionPrefix(session) + name)))
      frames.push({ ...frame, payload: Uint8Array.from(frame.payload) });
  }
  return frames;
}

function tagsIn(text: string): readonly string[] {
  return text.match(TAG) ?? [];
}

/** What clients were told, and no tape has them be told. */
function acknowledged(sent: readonly Sent[], answered: ReadonlySet<string>): readonly Sent[] {
  return sent.filter(({ tag, ackedAt }) => ackedAt !== undefined && !answered.has(tag));
}

async function executedTags(remains: Remains, sent: readonly Sent[]): Promise<ReadonlySet<string>> {
  const client = await remains.database();
  try {
    const tags = sent.map(({ tag }) => tag);
    const { rows } = await client.query<{ tag: string }>('select tag from chaos where tag = any($1)', [tags]);
    return new Set(rows.map(({ tag }) => tag));
  } finally {
    await client.end();
  }
}

/** A session's statements come one after the other: what it lost, it lost at its end. `when`: each one's time. */
function spans(lost: readonly Sent[], when: ReadonlyMap<string, number>): number[] {
  const bySession = Map.groupBy(lost, ({ tag }) => sessionOf(tag));
  const lasts = new Map<string, number>();
  for (const [tag, at] of when) lasts.set(sessionOf(tag), Math.max(at, lasts.get(sessionOf(tag)) ?? 0));
  return [...bySession].map(([session, missing]) =>
    Math.round(lasts.get(session)! - when.get(missing[0]!.tag)!),
  );
}

function countByMode(sent: readonly Sent[]): Record<DurabilityMode, number> {
  const counts = durabilityModes.map((mode) => [mode, sent.filter((one) => one.mode === mode).length]);
  return Object.fromEntries(counts) as Record<DurabilityMode, number>;
}
