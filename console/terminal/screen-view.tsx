/** A screen as text of the page: rows of spans, of which those that changed are drawn anew. */
import { Component } from 'preact';
import { useMemo } from 'preact/hooks';
import { Painter, type Scheme } from './colors.ts';
import {
  BOLD,
  BOXED,
  CONCEALED,
  CURSOR,
  ITALIC,
  type Row,
  type Run,
  STRIKE,
  UNDERLINE,
  UNSEEN,
} from './rows.ts';

const CLASSES = [
  [BOLD, 'bold'],
  [ITALIC, 'italic'],
  [UNDERLINE, 'underlined'],
  [STRIKE, 'struck'],
  [CONCEALED, 'concealed'],
  [CURSOR, 'cursor'],
  [BOXED, 'boxed'],
  [UNSEEN, 'unseen'],
] as const;

interface ScreenViewProps {
  readonly rows: readonly Row[];
  readonly columns: number;
  readonly scheme: Scheme;
}

export function ScreenView({ rows, columns, scheme }: ScreenViewProps) {
  const painter = useMemo(() => new Painter(scheme), [scheme]);
  return (
    <pre
      class="terminal"
      tabIndex={0}
      role="region"
      aria-label="What the terminal showed"
      style={{ ...painter.screen, '--columns': columns }}
    >
      {rows.map((row, at) => (
        <RowView key={at} row={row} painter={painter} />
      ))}
    </pre>
  );
}

interface RowViewProps {
  readonly row: Row;
  readonly painter: Painter;
}

class RowView extends Component<RowViewProps> {
  override shouldComponentUpdate({ row, painter }: RowViewProps): boolean {
    return row !== this.props.row || painter !== this.props.painter;
  }

  override render({ row: { runs }, painter }: RowViewProps) {
    return (
      <div>
        {runs.length === 0 ? ' ' : runs.map((run, at) => <RunView key={at} run={run} painter={painter} />)}
      </div>
    );
  }
}

function RunView({ run, painter }: { readonly run: Run; readonly painter: Painter }) {
  const { color, backgroundColor } = painter.colorsOf(run);
  const isBoxed = (run.looks & BOXED) !== 0;
  const style = {
    ...(color !== undefined && { color }),
    ...(backgroundColor !== undefined && { backgroundColor }),
    ...(isBoxed && { width: `${run.width}ch` }),
  };
  return (
    <span class={classOf(run.looks)} style={style}>
      {run.text}
    </span>
  );
}

function classOf(looks: number): string | undefined {
  const names = CLASSES.filter(([look]) => (looks & look) !== 0).map(([, name]) => name);
  return names.length === 0 ? undefined : names.join(' ');
}
