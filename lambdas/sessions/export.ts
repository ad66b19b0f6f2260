/** What is taken away: steps or events one a line, the rows of a step as CSV, a script, the bytes of a stream. What the target leaves out is left out. */
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { LOAD_EXPORTS } from '#core/replay/export/load-exports.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import type { Asking } from '../asking.ts';
import { type ApiEvent, type ApiResult, queryOf } from '../http.ts';
import { AFTER, eventsPage } from './export-events.ts';
import { takeAway } from './export-evidence.ts';
import { type LookPorts, looked, lookedAtEvidence } from './looked.ts';
import { stepsQuery } from './step-shape.ts';
import { stepsPage } from './steps.ts';

const STEPS_MAX = 1_000;
/** An event says who it is of each time: a page of so many is within what an answer may have. */
const EVENTS_MAX = 400;
const NDJSON = 'application/x-ndjson';

export const exportQuery = z
  .strictObject({
    form: z.enum(['ndjson', 'ocsf', 'csv', 'sql', 'raw']).default('ndjson'),
    step: z.coerce.number().int().min(1).optional().meta({ description: 'with csv: whose result' }),
    stream: z.enum(['client', 'target', 'gateway']).optional().meta({ description: 'with raw: whose bytes' }),
    cursor: z.coerce.number().int().min(0).default(0).meta({ description: 'of steps: where to go on' }),
    after: z.string().regex(AFTER).optional().meta({
      description: 'with ocsf and a cursor: `custody-after` of the page before, from which its chain goes on',
    }),
    limit: z.coerce.number().int().min(1).max(STEPS_MAX).default(STEPS_MAX),
    null: z.string().max(32).default('').meta({ description: 'with csv: what stands for NULL' }),
    spreadsheet: z.enum(['true', 'false']).default('false').meta({
      description: "with csv: ' before what a spreadsheet would calculate",
    }),
  })
  .refine(({ form, step }) => (form === 'csv') === (step !== undefined), {
    path: ['step'],
    message: 'is for csv, which wants one',
  })
  .refine(({ form, stream }) => (form === 'raw') === (stream !== undefined), {
    path: ['stream'],
    message: 'is for raw, which wants one',
  })
  .refine(({ form, cursor, after }) => (form === 'ocsf' && cursor > 0) === (after !== undefined), {
    path: ['after'],
    message: 'is for ocsf with a cursor, which wants it',
  });

type Ports = Parameters<typeof stepsPage>[3] & LookPorts;

export async function exportAnswer(
  session: SessionRecord,
  event: ApiEvent,
  asking: Asking,
  ports: Ports,
): Promise<ApiResult> {
  const asked = queryOf(exportQuery, event);
  switch (asked.form) {
    case 'ndjson':
      return stepLines(session, asked, asking, ports);
    case 'ocsf':
      return eventLines(session, asked, asking, ports);
    case 'csv':
      return csvAnswer(session, asked, asking, ports);
    case 'sql':
    case 'raw':
      return evidenceExport(session, asked, asking, ports);
  }
}

type Asked = z.infer<typeof exportQuery>;
/** Each is given its session, what is asked for, by whom, and the ports. */
type Answer = (session: SessionRecord, asked: Asked, asking: Asking, ports: Ports) => Promise<ApiResult>;

const stepLines: Answer = async (session, { cursor, limit }, asking, ports) => {
  const part = `ndjson of steps ${cursor + 1}-${cursor + limit}`;
  const { permission, redaction } = await looked(asking, session, 'export', part, ports);
  const { steps, next, verdict } = await stepsPage(permission, session, pageOf({ cursor, limit }), ports);
  const lines = steps.map(({ number, marks, ...json }) => {
    const seen = redaction?.json(json) ?? json;
    return `${JSON.stringify({ number, marks, ...seen })}\n`;
  });
  return given(NDJSON, lines.join(''), leadsOn(verdict, next));
};

const eventLines: Answer = async (session, { cursor, after, limit: most }, asking, ports) => {
  const limit = Math.min(most, EVENTS_MAX);
  const part = `ocsf of steps ${cursor + 1}-${cursor + limit}`;
  const { permission } = await looked(asking, session, 'export', part, ports);
  const page = await stepsPage(permission, session, pageOf({ cursor, limit }), ports);
  const events = await eventsPage(session, page, { cursor, after }, asking, ports);
  const more = page.next === undefined ? {} : { 'custody-after': events.after };
  return given(NDJSON, events.lines, { ...leadsOn(page.verdict, page.next), ...more });
};

function pageOf(asked: { readonly cursor?: number; readonly from?: number; readonly limit: number }) {
  return stepsQuery.parse(asked);
}

function leadsOn(verdict: string, next: number | undefined): Record<string, string> {
  return { 'custody-verdict': verdict, ...(next === undefined ? {} : { 'custody-next': String(next) }) };
}

const csvAnswer: Answer = async (session, { step, null: nullText, spreadsheet }, asking, ports) => {
  const { id, protocol } = session;
  const { permission, redaction } = await looked(asking, session, 'export', `csv of step ${step}`, ports);
  const { steps } = await stepsPage(permission, session, pageOf({ from: step!, limit: 1 }), ports);
  const exports = await LOAD_EXPORTS.get(protocol)?.();
  const options = { nullText, spreadsheet: spreadsheet === 'true' };
  const [json] = steps.map(({ number: _number, marks: _marks, ...one }) => one as JsonStep);
  const text = json === undefined ? undefined : exports?.shownTable(redaction?.json(json) ?? json, options);
  if (text === undefined) throw new CustodyError('not-found', `step ${step} has no result`);
  if (text === 'part')
    throw new CustodyError('unsupported', `not all rows of step ${step} are kept here`, {
      hint: `custody export ${id} --csv --step ${step} reads them out of the evidence`,
    });
  return given('text/csv; charset=utf-8; header=present', text, {});
};

const evidenceExport: Answer = async (session, { form, stream }, asking, ports) => {
  const part = form === 'raw' ? `bytes of ${stream}` : 'sql';
  const permission = await lookedAtEvidence(asking, session, 'export', part, ports);
  const { type, bytes, verdict } = await takeAway(permission, session, stream, ports);
  return { ...given(type, bytes.toString('base64'), leadsOn(verdict, undefined)), isBase64Encoded: true };
};

/** Never shown as anything else than what it is, also by a browser that is sent here (security case 18). */
function given(type: string, body: string, headers: Readonly<Record<string, string>>): ApiResult {
  return {
    statusCode: 200,
    headers: {
      'content-type': type,
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      ...headers,
    },
    body,
  };
}
