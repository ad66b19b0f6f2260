/** What is taken away of a session, as files. */
import { type Api, queryText } from '../api/client.ts';
import { download } from '../parts/download.ts';

export type ExportForm = 'ndjson' | 'ocsf' | 'sql';

const ENDINGS: Readonly<Record<ExportForm, string>> = { ndjson: 'ndjson', ocsf: 'ocsf.ndjson', sql: 'sql' };

/** Page by page, as far as there are any. `onPart` is told how many bytes there are by now. */
export async function exportSession(
  api: Api,
  session: string,
  form: ExportForm,
  signal: AbortSignal,
  onPart: (bytes: number) => void,
): Promise<void> {
  const parts: Blob[] = [];
  let where: Readonly<Record<string, string | undefined>> = {};
  let bytes = 0;
  for (;;) {
    const response = await api.fetch(pathOf(session, { form, ...where }), { signal });
    const part = await response.blob();
    parts.push(part);
    onPart((bytes += part.size));
    const cursor = response.headers.get('custody-next');
    if (cursor === null) break;
    where = { cursor, after: response.headers.get('custody-after') ?? undefined };
  }
  download(`${session}.${ENDINGS[form]}`, parts, 'application/octet-stream');
}

/** The rows of one result. */
export async function exportRows(api: Api, session: string, step: number): Promise<void> {
  const response = await api.fetch(pathOf(session, { form: 'csv', step }));
  download(`${session}-step-${step}.csv`, [await response.blob()], 'text/csv');
}

function pathOf(session: string, query: Readonly<Record<string, string | number | undefined>>): string {
  return `/v1/sessions/${encodeURIComponent(session)}/export${queryText(query)}`;
}
