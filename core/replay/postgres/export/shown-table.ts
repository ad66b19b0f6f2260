import type { TableOptions } from '../../export/exports.ts';
import type { JsonStep } from '../../reader.ts';
import { postgresStepOf } from '../shape.ts';
import { csvLine } from './csv.ts';

/** Rows that a step keeps, as CSV; undefined where it has no result, `part` where not all of it is in the step. */
export function shownTable(json: JsonStep, options: TableOptions): string | undefined {
  const { columns, rows = [], rowCount } = postgresStepOf(json);
  if (columns === undefined) return undefined;
  const isPart = rows.some((row) => row.length < columns.length || row.some((cell) => cell?.cut === true));
  if (isPart || rows.length < (rowCount ?? 0)) return 'part';
  const head = csvLine(
    columns.map(({ name }) => name),
    { ...options, nullText: '' },
  );
  return (
    head +
    rows
      .map((row) =>
        csvLine(
          row.map((cell) => cell?.text ?? null),
          options,
        ),
      )
      .join('')
  );
}
