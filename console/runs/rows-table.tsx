import { useState } from 'preact/hooks';
import { shown } from '../parts/text.ts';

/** As many are drawn at once. */
const ROWS = 50;

interface RowsTableProps {
  /** What it has: `Values of orders`. */
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Values as they were put out: the first of them, and more when asked for. */
export function RowsTable({ label, columns, rows }: RowsTableProps) {
  const [many, setMany] = useState(ROWS);
  return (
    <>
      <div class="scroll-x run-values" role="region" aria-label={shown(label)} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map((column, at) => (
                <th key={at} scope="col">
                  {shown(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, many).map((row, at) => (
              <tr key={at}>
                {row.map((value, place) => (
                  <td key={place}>{value === null ? <em class="run-null">NULL</em> : shown(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {many < rows.length && (
        <button type="button" class="quiet" onClick={() => setMany(many + 10 * ROWS)}>
          More rows: {rows.length - many} are not shown
        </button>
      )}
    </>
  );
}
