import type { RunTask } from '../api/runs.ts';
import { shown } from '../parts/text.ts';
import { RowsTable } from './rows-table.tsx';

/** The very values that its operator has to give: for who may run it. */
export function Handed({ handed }: { readonly handed: NonNullable<RunTask['handed']> }) {
  return (
    <>
      {Object.entries(handed).map(([origin, { columns, rows }]) => (
        <details key={origin} class="run-handed">
          <summary>
            What <code>{shown(origin)}</code> handed over: {rows.length} {rows.length === 1 ? 'row' : 'rows'}
          </summary>
          <RowsTable label={`Values of ${origin}`} columns={columns} rows={rows} />
        </details>
      ))}
    </>
  );
}
