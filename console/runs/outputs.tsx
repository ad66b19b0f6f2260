import type { ResultOutput, RunTask } from '../api/runs.ts';
import { shown, shownLines } from '../parts/text.ts';
import { Digest } from './digest.tsx';
import { digestOf } from './put-out.ts';
import { RowsTable } from './rows-table.tsx';

/** What a task put out: how much, its digest, and the values where the contract keeps them. */
export function Outputs({
  outputs,
  task,
}: {
  readonly outputs: readonly ResultOutput[];
  readonly task: RunTask;
}) {
  const isThere = new Set(outputs.map(({ name }) => name));
  const absent = Object.keys(task.outputs).filter((name) => !isThere.has(name));
  return (
    <>
      {outputs.map((output) => (
        <Output key={output.name} output={output} />
      ))}
      {absent.map((name) => (
        <p key={name} class="hint">
          <code>{shown(name)}</code> was not put out.
        </p>
      ))}
    </>
  );
}

function Output({ output }: { readonly output: ResultOutput }) {
  const { name, of, kept } = output;
  return (
    <div class="run-output">
      <p>
        <code>{shown(name)}</code> of {shown(of)}: {sizeText(output)}{' '}
        <Digest hex={digestOf(output)} what={`digest of ${name}`} />
      </p>
      {typeof kept === 'string' && <pre>{shownLines(kept)}</pre>}
      {'rows' in output && output.kept !== undefined && (
        <RowsTable
          label={`Values of ${name}`}
          columns={output.columns.map((column) => column.name)}
          rows={output.kept}
        />
      )}
    </div>
  );
}

/** `3 rows`, `512 bytes`. */
export function sizeText(output: ResultOutput): string {
  const [count, one] = 'rows' in output ? [output.rows, 'row'] : [output.bytes, 'byte'];
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
}
