import { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import { readSummary } from '#core/replay/index/read-summary.ts';
import type { Redaction } from '#core/replay/redact/redaction.ts';
import { summaryLines } from '#core/replay/summary/lines.ts';
import { type SessionSummary, summarySchema } from '#core/replay/summary/summary.ts';
import { unusual } from '#core/replay/summary/unusual.ts';
import { type Indexes, refuseNeverIndexed } from './steps.ts';

/** Sessions that one is compared with. */
const EARLIER = 30;
const AT_ONCE = 8;

const line = z.object({ text: z.string(), step: z.int().optional() });

export const summaryShape = z
  .object({
    summary: summarySchema,
    lines: z.array(line).readonly().meta({ description: 'the summary for a person' }),
    unusual: z.array(line).readonly().meta({
      description:
        'what was not so in the sessions of the same person at the same target before, of those that you may read',
    }),
    compared: z.object({
      sessions: z.int().meta({ description: 'that are over and have a summary' }),
      without: z.int().meta({ description: 'that have none yet: the answer may be another later' }),
    }),
  })
  .meta({ id: 'Summary' });

export interface SummaryPorts {
  readonly source: RecordingSource;
  readonly signer: () => Promise<Uint8Array>;
  readonly catalog: SessionCatalog;
  readonly redaction: Redaction | undefined;
  /** Whether the caller may read a session before it: others are not compared with, nor counted (security case 7). */
  readonly mayRead: (earlier: SessionRecord) => boolean;
  readonly indexes?: Pick<Indexes, 'maxBytes'>;
}

/**
 * What a session came to, and what of it is new for its person and target. Rejects with `not-found` while there is no summary: it is
 * made when the session is over.
 */
export async function summaryOf(
  session: SessionRecord,
  { source, signer, catalog, redaction, mayRead, indexes = {} }: SummaryPorts,
): Promise<z.input<typeof summaryShape>> {
  const key = await signer();
  const whole = await readSummary(session, source, key);
  if (whole === undefined) {
    refuseNeverIndexed(session, indexes);
    throw notYet(session);
  }
  const summary = seen(whole, redaction);
  const earlier = (await earlierOf(session, catalog)).filter(mayRead);
  const found = await inBatches(earlier, AT_ONCE, (one) =>
    readSummary(one, source, key).catch(unlessDamaged),
  );
  const known = found.filter((one) => one !== undefined).map((one) => seen(one, redaction));
  return {
    summary,
    lines: summaryLines(summary),
    unusual: unusual(summary, known),
    compared: { sessions: known.length, without: found.length - known.length },
  };
}

/** Those that were over when it began, the newest of them: the same ones, whenever it is asked, and whoever asks. */
async function earlierOf(
  { id, startedAt, target, principal: { issuer, subject } }: SessionRecord,
  catalog: SessionCatalog,
): Promise<readonly SessionRecord[]> {
  const { sessions } = await catalog.list({
    target,
    subject: { issuer, subject },
    limit: EARLIER,
    cursor: id,
  });
  return sessions.filter(({ outcome }) => outcome !== undefined && outcome.endedAt <= startedAt);
}

/** Names of files may hold what a target leaves out. */
function seen(summary: SessionSummary, redaction: Redaction | undefined): SessionSummary {
  if (redaction === undefined) return summary;
  const files = summary.files.map((file) => ({ ...file, name: redaction.text(file.name) }));
  return { ...summary, files };
}

function unlessDamaged(error: unknown): SessionSummary | undefined {
  if (asCustodyError(error).code === 'state-damaged') return undefined;
  throw error;
}

function notYet({ id, state }: SessionRecord): CustodyError {
  return state === 'open'
    ? new CustodyError('not-found', 'the session goes on: it has a summary when it is over', {
        hint: `custody watch ${id}`,
      })
    : new CustodyError('not-found', 'the summary of the session is being made', {
        hint: 'ask again in a minute',
      });
}
