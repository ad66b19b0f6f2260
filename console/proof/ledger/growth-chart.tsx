import { utcText } from '../../parts/time.tsx';
import type { GrowthPoint } from './growth.ts';

const WIDTH = 600;
const HEIGHT = 120;

/** How long the ledger was when, as steps; what was kept as dots. */
export function GrowthChart({ points }: { readonly points: readonly GrowthPoint[] }) {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return null;
  const place = placing(points);
  const words = `From ${leavesText(first.size)} on ${timeText(first.at)} to ${leavesText(last.size)} on ${timeText(last.at)}`;
  return (
    <section class="card half" aria-labelledby="growth">
      <h2 id="growth">Growth</h2>
      <svg
        class="growth"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={words}
        preserveAspectRatio="none"
      >
        <path class="area" d={`${stepsOf(points, place)}V${HEIGHT}H0Z`} />
        <path class="line" d={stepsOf(points, place)} />
        {points
          .filter(({ isKept }) => isKept)
          .map((point) => (
            <path key={`${point.at} ${point.size}`} class="kept" d={`M${place(point).join(' ')}h0`} />
          ))}
      </svg>
      <p class="hint">{words}. Dots are checkpoints that you kept.</p>
    </section>
  );
}

type Place = (point: GrowthPoint) => readonly [x: number, y: number];

function placing(points: readonly GrowthPoint[]): Place {
  const [from, until] = [points[0]!.at, points.at(-1)!.at];
  const sizes = points.map(({ size }) => size);
  const [least, most] = [Math.min(...sizes) - 1, Math.max(...sizes)];
  return ({ at, size }) => [
    Math.round(((at - from) / Math.max(1, until - from)) * WIDTH * 10) / 10,
    Math.round((HEIGHT - 6 - ((size - least) / Math.max(1, most - least)) * (HEIGHT - 16)) * 10) / 10,
  ];
}

function stepsOf(points: readonly GrowthPoint[], place: Place): string {
  const [[x, y], ...others] = points.map(place) as [
    readonly [number, number],
    ...(readonly [number, number])[],
  ];
  return `M${x} ${y}${others.map(([x, y]) => `H${x}V${y}`).join('')}`;
}

function leavesText(size: number): string {
  return `${size} ${size === 1 ? 'leaf' : 'leaves'}`;
}

function timeText(at: number): string {
  return utcText(new Date(at).toISOString());
}
