import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Row, Step, Value } from '../api/sessions.ts';
import { Copy } from '../parts/copy.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Failure } from '../parts/states.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { useVirtualRows } from '../parts/virtual.ts';
import { useApi } from '../signin/context.ts';
import { useSessionsApi } from './context.ts';
import { exportRows } from './exports.ts';
import { ResultRows } from './result-rows.ts';
import { bytesText, counted } from './words.ts';

const ROW = 30;
/** Of a cell in the table; all of it is shown when it is opened. */
const CELL_MAX = 200;
const SHOWN_MAX = 14;

interface Result {
  readonly columns?: readonly { readonly name: string; readonly type: number }[];
  readonly rows?: readonly Row[];
  readonly rowCount?: number;
}

interface ResultTableProps {
  readonly session: string;
  readonly step: Step & Result;
  /** The session is over: all rows can be had. */
  readonly isWhole: boolean;
}

/** Rows of a result, any number of them. */
export function ResultTable({ session, step, isWhole }: ResultTableProps) {
  const api = useSessionsApi();
  const first = step.rows ?? [];
  const count = isWhole ? (step.rowCount ?? first.length) : first.length;
  const rows = useMemo(
    () => new ResultRows(api, session, step.number, first, count),
    [api, session, step.number, count],
  );
  useEffect(() => () => rows.stop(), [rows]);
  const [opened, setOpened] = useState<Opened>();
  const names = namesOf(step);
  if (names.length === 0) return <p class="hint">{counted(step.rowCount ?? 0, 'row')} without columns</p>;
  return (
    <section class="result" aria-label="Result">
      <p class="hint">
        {counted(step.rowCount ?? count, 'row')}, {counted(names.length, 'column')}
        {!isWhole &&
          (step.rowCount ?? 0) > count &&
          `; the first ${count} are here while the session goes on`}
      </p>
      <Grid rows={rows} names={names} onOpen={setOpened} />
      {isWhole && <Csv session={session} step={step.number} />}
      {rows.problem.value !== undefined && (
        <Failure problem={rows.problem.value} onRetry={() => rows.retry()} />
      )}
      {opened !== undefined && <WholeValue opened={opened} onClose={() => setOpened(undefined)} />}
    </section>
  );
}

/** Where not all rows are kept in the step, the gateway says how else they are had. */
function Csv({ session, step }: { readonly session: string; readonly step: number }) {
  const api = useApi();
  const [problem, setProblem] = useState<unknown>();
  const start = (): void => {
    setProblem(undefined);
    exportRows(api, session, step).catch(setProblem);
  };
  return (
    <div class="csv">
      <button type="button" class="quiet" onClick={start}>
        Download as CSV
      </button>
      {problem !== undefined && <Failure problem={problem} />}
    </div>
  );
}

function namesOf({ columns, rows = [] }: Result): readonly string[] {
  const widest = rows.reduce((most, row) => Math.max(most, row.length), columns?.length ?? 0);
  return Array.from({ length: widest }, (_, at) => columns?.[at]?.name ?? `?${at + 1}?`);
}

interface Opened {
  readonly name: string;
  readonly row: number;
  readonly value: Value;
}

interface GridProps {
  readonly rows: ResultRows;
  readonly names: readonly string[];
  readonly onOpen: (opened: Opened) => void;
}

function Grid({ rows, names, onOpen }: GridProps) {
  void rows.version.value;
  const { count } = rows;
  const virtual = useVirtualRows(count, ROW);
  const { first, last, top, height } = virtual;
  useEffect(() => rows.want(first, last), [rows, first, last]);
  const places = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  const visible = Math.min(SHOWN_MAX, Math.max(1, count));
  return (
    <div
      ref={virtual.box}
      class="grid"
      role="region"
      aria-label={`Rows of the result, ${count} of them`}
      tabIndex={0}
      onScroll={virtual.onScroll}
      style={{ height: `${(visible + 1) * ROW + 16}px` }}
    >
      <table
        aria-rowcount={count + 1}
        style={{ marginBottom: `${Math.max(0, height - top - places.length * ROW)}px` }}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="row-number">
              <span class="visually-hidden">Row</span>
            </th>
            {names.map((name, at) => (
              <th key={at} scope="col">
                {shown(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {top > 0 && (
            <tr aria-hidden="true" class="spacer">
              <td colSpan={names.length + 1} style={{ height: `${top}px` }} />
            </tr>
          )}
          {places.map((place) => (
            <GridRow key={place} place={place} row={rows.at(place)} names={names} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface GridRowProps extends Pick<GridProps, 'names' | 'onOpen'> {
  readonly place: number;
  readonly row: Row | undefined;
}

function GridRow({ place, row, names, onOpen }: GridRowProps) {
  return (
    <tr aria-rowindex={place + 2}>
      <th scope="row" class="row-number">
        {place + 1}
      </th>
      {names.map((name, at) => (
        <Cell
          key={at}
          value={row === undefined ? undefined : row[at]}
          isComing={row === undefined}
          onOpen={(value) => onOpen({ name, row: place + 1, value })}
        />
      ))}
    </tr>
  );
}

interface CellProps {
  readonly value: Value | null | undefined;
  readonly isComing: boolean;
  readonly onOpen: (value: Value) => void;
}

function Cell({ value, isComing, onOpen }: CellProps) {
  if (isComing) return <td class="coming">…</td>;
  if (value === null) return <td class="null">NULL</td>;
  if (value === undefined) return <td class="null">not read</td>;
  const { text, cut } = value;
  const isLong = cut || text.length > CELL_MAX || text.includes('\n');
  return (
    <td class={isLong ? 'long' : undefined}>
      {shown(text.slice(0, CELL_MAX))}
      {isLong && (
        <button
          type="button"
          class="quiet more"
          aria-label="See all of the value"
          onClick={() => onOpen(value)}
        >
          …
        </button>
      )}
    </td>
  );
}

interface WholeValueProps {
  readonly opened: Opened;
  readonly onClose: () => void;
}

function WholeValue({ opened: { name, row, value }, onClose }: WholeValueProps) {
  const { text, bytes, cut, undecoded } = value;
  return (
    <Dialog title={`${shown(name)}, row ${row}`} onClose={onClose} class="whole-value">
      <p class="hint">
        {bytesText(bytes)}
        {cut && `, the first ${bytesText(text.length)} of it are here: the export as CSV has all of it`}
        {undecoded === true && ', not all of it text'} <Copy text={text} what="value" />
      </p>
      <pre tabIndex={0}>{shownLines(text)}</pre>
    </Dialog>
  );
}
