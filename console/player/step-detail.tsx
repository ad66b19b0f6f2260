import { useEffect, useState } from 'preact/hooks';
import type { JsonStep, ReplayReader } from '#core/replay/reader.ts';
import { escapeLines, escapeTerminal } from '#core/replay/text.ts';
import { type StepStore, type StoredStep, withoutRows } from './step-store.ts';

const WIDTH = 120;

interface StepDetailProps {
  readonly steps: StepStore;
  readonly current: number;
  readonly reader: ReplayReader;
}

/** All that is kept of one step. */
export function StepDetail({ steps, current, reader }: StepDetailProps) {
  const [step, setStep] = useState<StoredStep>();
  useEffect(() => {
    let isWanted = true;
    void steps.step(current).then((found) => isWanted && setStep(found));
    return () => {
      isWanted = false;
    };
  }, [steps, current]);
  if (step === undefined) return <section aria-label="Step" />;
  const { columns, rows, rowCount } = step.json;
  return (
    <section class="detail" aria-labelledby="detail">
      <h2 id="detail">
        Step {step.number} <small>{String(step.json['kind'])}</small>
      </h2>
      <pre tabIndex={0}>{reader.ofJson(withoutRows(step.json)).toText(WIDTH)}</pre>
      {Array.isArray(rows) && <Rows columns={columns} rows={rows as unknown[]} rowCount={rowCount} />}
      <details>
        <summary>As JSON</summary>
        <pre tabIndex={0}>{escapeLines(JSON.stringify(step.json, undefined, 2))}</pre>
      </details>
    </section>
  );
}

interface RowsProps {
  readonly columns: unknown;
  readonly rows: readonly unknown[];
  readonly rowCount: unknown;
}

function Rows({ columns, rows, rowCount }: RowsProps) {
  const names = Array.isArray(columns) ? columns.map((column) => String((column as JsonStep)['name'])) : [];
  const count = Number(rowCount ?? rows.length);
  return (
    <div class="rows" tabIndex={0} role="region" aria-label="Rows">
      <table>
        <caption>
          {count} {count === 1 ? 'row' : 'rows'}
          {rows.length < count && `, the first ${rows.length} are here`}
        </caption>
        {names.length > 0 && (
          <thead>
            <tr>
              {names.map((name, at) => (
                <th key={at} scope="col">
                  {escapeTerminal(name)}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {Array.isArray(row) && row.map((value, column) => <Cell key={column} value={value} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ value }: { readonly value: unknown }) {
  if (value === null) return <td class="null">NULL</td>;
  const { text, cut, bytes } = value as {
    readonly text: string;
    readonly cut: boolean;
    readonly bytes: number;
  };
  return (
    <td>
      {escapeLines(text)}
      {cut && <small> … {bytes} bytes</small>}
    </td>
  );
}
