/** Steps over the time of a session: how many there were when, and which failed or wrote. */
import type { Outline } from '../api/sessions.ts';
import { columnsOf, PARTS } from './density-columns.ts';
import { counted, placeText } from './words.ts';

const [WIDTH, HEIGHT] = [1000, 48];

interface DensityProps {
  readonly outline: Outline;
  /** Where one is, microseconds. */
  readonly at: number;
  readonly onSeek: (us: number) => void;
}

export function Density({ outline, at, onSeek }: DensityProps) {
  const { until, pieces } = outline;
  const columns = columnsOf(pieces, until);
  const most = columns.reduce((high, { steps }) => Math.max(high, steps), 1);
  const sum = (of: 'steps' | 'errors' | 'writes'): number =>
    pieces.reduce((all, piece) => all + piece[of], 0);
  const words = `${counted(sum('steps'), 'step')}, ${counted(sum('errors'), 'error')}, ${counted(sum('writes'), 'write')}`;
  return (
    <div class="density">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${words} in ${placeText(until)}`}
      >
        <path class="all" d={barsOf(columns.map(({ steps }) => heightOf(steps, most)))} />
        <path class="writes" d={barsOf(columns.map(({ writes }) => heightOf(writes, most)))} />
        <path class="errors" d={barsOf(columns.map(({ errors }) => heightOf(errors, most)))} />
        <path class="here" d={`M${(at / Math.max(1, until)) * WIDTH} 0V${HEIGHT}`} />
      </svg>
      <input
        type="range"
        aria-label="Time in the session"
        aria-valuetext={placeText(at)}
        min={0}
        max={Math.max(1, Math.ceil(until))}
        step={Math.max(1, Math.ceil(until / 1000))}
        value={at}
        onChange={(event) => onSeek(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** Few among many are seen as well. */
function heightOf(count: number, most: number): number {
  return count === 0 ? 0 : Math.max(3, (Math.log1p(count) / Math.log1p(most)) * (HEIGHT - 4));
}

function barsOf(heights: readonly number[]): string {
  const width = WIDTH / PARTS;
  return heights
    .map((height, at) =>
      height === 0 ? '' : `M${at * width} ${HEIGHT}v-${height.toFixed(1)}h${width}v${height.toFixed(1)}z`,
    )
    .join('');
}
