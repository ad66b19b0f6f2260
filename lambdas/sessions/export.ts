/** Steps to take away: a page of them one a line, or the rows of one as CSV. What the target leaves out is left out here, too. */
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { LOAD_EXPORTS } from '#core/replay/export/load-exports.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import type { Asking } from '../asking.ts';
import { type ApiEvent, type ApiResult, queryOf } from '../http.ts';
import { looked, type LookPorts } from './looked.ts';
import { stepsQuery } from './step-shape.ts';
import { stepsPage } from './steps.ts';

const STEPS_MAX = 1_000;

export const exportQuery = z
  .strictObject({
    form: z.enum(['ndjson', 'csv']).default('ndjson'),
    step: z.coerce.number().int().min(1).optional().meta({ description: 'with csv: whose result' }),
    cursor: z.coerce.number().int().min(0).default(0).meta({ description: 'with ndjson: where to go on' }),
    limit: z.coerce.number().int().min(1).max(STEPS_MAX).default(STEPS_MAX),
    null: z.string().max(32).default('').meta({ description: 'with csv: what stands for NULL' }),
    spreadsheet: z.enum(['true', 'false']).default('false').meta({
      description: "with csv: ' before what a spreadsheet would calculate",
    }),
  })
  .refine(({ form, step }) => (form === 'csv') === (step !== undefined), {
    path: ['step'],
    message: 'is for csv, which wants one',
  });

type Ports = Parameters<typeof stepsPage>[3] & LookPorts;

export async function exportAnswer(
  session: SessionRecord,
  event: ApiEvent,
  asking: Asking,
  ports: Ports,
): Promise<ApiResult> {
  const { form, step, cursor, limit, ...options } = queryOf(exportQuery, event);
  const asked = step === undefined ? { cursor, limit } : { from: step, limit: 1 };
  const part = step === undefined ? `ndjson of steps ${cursor + 1}-${cursor + limit}` : `csv of step ${step}`;
  const { permission, redaction } = await looked(asking, session, 'export', part, ports);
  const page = await stepsPage(permission, session, stepsQuery.parse(asked), ports);
  const steps = page.steps.map(({ number, marks, ...json }) => ({
    number,
    marks,
    json: redaction?.json(json as JsonStep) ?? (json as JsonStep),
  }));
  if (form === 'csv') return csvAnswer(session, step!, steps[0]?.json, options);
  const { next, verdict } = page;
  const lines = steps.map(({ number, marks, json }) => `${JSON.stringify({ number, marks, ...json })}\n`);
  return answer('application/x-ndjson', lines.join(''), {
    'custody-verdict': verdict,
    ...(next === undefined ? {} : { 'custody-next': String(next) }),
  });
}

async function csvAnswer(
  { id, protocol }: SessionRecord,
  step: number,
  json: JsonStep | undefined,
  { null: nullText, spreadsheet }: { readonly null: string; readonly spreadsheet: 'true' | 'false' },
): Promise<ApiResult> {
  const exports = await LOAD_EXPORTS.get(protocol)?.();
  const options = { nullText, spreadsheet: spreadsheet === 'true' };
  const text = json === undefined ? undefined : exports?.shownTable(json, options);
  if (text === undefined) throw new CustodyError('not-found', `step ${step} has no result`);
  if (text === 'part')
    throw new CustodyError('unsupported', `not all rows of step ${step} are kept here`, {
      hint: `custody export ${id} --csv --step ${step} reads them out of the evidence`,
    });
  return answer('text/csv; charset=utf-8; header=present', text, {});
}

/** Never shown as anything else than what it is, also by a browser that is sent here (security case 18). */
function answer(type: string, body: string, headers: Readonly<Record<string, string>>): ApiResult {
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
