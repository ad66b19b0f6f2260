/** A page of all rows of a result, of which a step keeps the first ones only. */
import { setImmediate as othersFirst } from 'node:timers/promises';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { readEvidence } from '#core/recording/verify/verify.ts';
import { CheckedReading } from '#core/replay/checked-reading.ts';
import { LOAD_EXPORTS } from '#core/replay/export/load-exports.ts';
import { evidenceOf, isSealed } from '#core/replay/index/index-session.ts';
import type { IndexedEvidence } from '#core/replay/index/made-of.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import type { Redaction } from '#core/replay/redact/redaction.ts';
import { shown, undecoded } from '#core/replay/shape-parts.ts';
import { count, sessionId } from '../shapes.ts';
import type { KnownResult, KnownResults } from './known-results.ts';
import type { Look } from './looked.ts';
import { type Row, RowPieces } from './row-pieces.ts';
import { isSmall } from './steps.ts';

const ROWS_MAX = 1_000;
const ROWS = 200;
/** Characters of JSON in a page, about: a row is part of it to its end. */
const PAGE_MAX_CHARACTERS = 1 << 20;
/** Of one result, compressed. */
const RESULT_MAX_BYTES = 48 << 20;

export const rowsQuery = z.strictObject({
  from: z.coerce.number().int().min(1).default(1).meta({ description: 'the first row, from 1' }),
  limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(ROWS),
});
type RowsAsked = z.infer<typeof rowsQuery>;

export const rowsShape = z
  .object({
    session: sessionId,
    step: count,
    verdict: z.string().meta({ description: 'of the evidence that the rows are read from' }),
    columns: z
      .array(z.object({ name: z.string(), type: count, undecoded }))
      .readonly()
      .optional(),
    total: count.meta({ description: 'rows of the result' }),
    from: count,
    rows: z.array(z.array(shown.nullable()).readonly()).readonly().meta({
      description: 'null is NULL; a page may hold less than `limit`, and go on',
    }),
    redacted: z.literal(true).optional(),
  })
  .meta({ id: 'Rows' });

/** What is looked at, as the ledger's leaf says it: `rows 1-200 of step 7`. */
export function rowsPart(step: number, { from, limit }: RowsAsked): string {
  return `rows ${from}-${from + limit - 1} of step ${step}`;
}

interface RowsPorts {
  readonly source: RecordingSource;
  /** The key that statements are signed with (SPKI, DER). */
  readonly signer: () => Promise<Uint8Array>;
  readonly results: KnownResults;
}

/** Rejects with `not-found` where the step has no result, and with `unsupported` where it is more than one call can read. */
export async function rowsPage(
  { redaction }: Look<'replay'>,
  session: SessionRecord,
  step: number,
  asked: RowsAsked,
  ports: RowsPorts,
): Promise<z.input<typeof rowsShape>> {
  const result = await ports.results.get(`${session.id}/${step}`, () => readResult(session, step, ports));
  const { columns, redacted, rows } = seenRows(result.step, await taken(result.rows, asked), redaction);
  return {
    ...{
      session: session.id,
      step,
      verdict: result.verdict,
      total: result.rows.rows,
      from: asked.from,
      rows,
    },
    ...(columns === undefined ? {} : { columns }),
    ...(redacted === undefined ? {} : { redacted }),
  };
}

type SeenStep = Pick<z.input<typeof rowsShape>, 'columns' | 'redacted' | 'rows'>;

/** What of them may be seen, by what the whole step says. */
function seenRows(step: JsonStep, rows: readonly Row[], redaction: Redaction | undefined): SeenStep {
  const page = { ...step, rows };
  return (redaction?.json(page) ?? page) as unknown as SeenStep;
}

async function taken(rows: RowPieces, { from, limit }: RowsAsked): Promise<readonly Row[]> {
  const page: Row[] = [];
  let characters = 0;
  if (from > rows.rows) return page;
  for await (const row of rows.after(from)) {
    page.push(row);
    characters += JSON.stringify(row).length;
    if (page.length === limit || characters >= PAGE_MAX_CHARACTERS) break;
  }
  return page;
}

/** The evidence is verified while it is read, from its start. */
async function readResult(
  session: SessionRecord,
  step: number,
  { source, signer }: Omit<RowsPorts, 'results'>,
): Promise<KnownResult> {
  const exports = await LOAD_EXPORTS.get(session.protocol)?.();
  if (exports === undefined) throw noResult(step);
  const evidence = await evidenceOf(session.id, source, await signer());
  await refuseUnreadable(session, step, evidence);
  const reading = new CheckedReading(
    readEvidence(evidence.folder, evidence.trust),
    () => undefined,
    () => othersFirst(),
  );
  await reading.open();
  const sink = new Collecting();
  const found = await exports.rows(reading.frames(), step, sink);
  const { verdict } = await reading.finish();
  if (found === undefined) throw noResult(step);
  if (sink.isTooLong) throw tooLong(session.id, step);
  sink.rows.end();
  return { step: found, verdict, rows: sink.rows };
}

async function refuseUnreadable(session: SessionRecord, step: number, evidence: IndexedEvidence) {
  if (!isSealed(await evidence.folder.list()))
    throw new CustodyError(
      'precondition-failed',
      'the session goes on: its results can be paged once it is over',
      {
        hint: `its steps have the first rows of each: custody steps ${session.id}`,
      },
    );
  if (!(await isSmall(session, evidence))) throw tooLong(session.id, step);
}

class Collecting {
  rows = new RowPieces();

  get isTooLong(): boolean {
    return this.rows.bytes > RESULT_MAX_BYTES;
  }

  begin(): void {
    this.rows = new RowPieces();
  }

  row(values: Row): void {
    if (!this.isTooLong) this.rows.add(values);
  }
}

function noResult(step: number): CustodyError {
  return new CustodyError('not-found', `step ${step} has no result`);
}

function tooLong(session: string, step: number): CustodyError {
  return new CustodyError('unsupported', 'the result is more than one call can read', {
    hint: `custody export ${session} --csv --step ${step} reads all of it out of the evidence`,
  });
}
