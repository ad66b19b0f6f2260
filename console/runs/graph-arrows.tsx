import { worstOf } from './flows.ts';
import type { GraphEdge, RunGraph } from './graph-of.ts';
import { type Direction, type Placed, type PlacedEdge, pathOf, type Point } from './layout.ts';
import { FLOW_WORDS } from './words.ts';

interface GraphArrowsProps {
  readonly graph: RunGraph;
  readonly placed: Placed;
  readonly direction: Direction;
}

/** Who listens has the same in each task, and in the table of the data. */
export function GraphArrows({ graph, placed: { width, height, edges }, direction }: GraphArrowsProps) {
  return (
    <div class="graph-arrows" aria-hidden="true">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        {edges.map((edge, at) => (
          <Arrow key={`${edge.from} ${edge.to}`} edge={edge} of={graph.edges[at]!} direction={direction} />
        ))}
      </svg>
      {edges.map((edge, at) => (
        <ArrowWord key={`${edge.from} ${edge.to}`} edge={edge} of={graph.edges[at]!} />
      ))}
    </div>
  );
}

interface ArrowProps {
  readonly edge: PlacedEdge;
  readonly of: GraphEdge;
}

function Arrow({
  edge: { points },
  of: { flows },
  direction,
}: ArrowProps & { readonly direction: Direction }) {
  const state = worstOf(flows) ?? 'order';
  return (
    <g class={`arrow ${state}`}>
      <path class="line" d={pathOf(points, direction)} />
      <path class="head" d={headOf(points.at(-1)!, direction)} />
    </g>
  );
}

function ArrowWord({ edge: { word }, of: { flows } }: ArrowProps) {
  const state = worstOf(flows);
  if (state === undefined || word === undefined) return null;
  const { mark, word: said, tone } = FLOW_WORDS[state];
  return (
    <span
      class={`arrow-word badge ${tone} flow ${state}`}
      style={{ left: `${word.x}px`, top: `${word.y}px` }}
    >
      {mark} {said}
    </span>
  );
}

const HEAD = { length: 8, half: 4.5 } as const;

/** The point of the arrow. */
function headOf({ x, y }: Point, direction: Direction): string {
  const { length, half } = HEAD;
  if (direction === 'right') return `M${x},${y} l${-length},${-half} v${2 * half} Z`;
  return `M${x},${y} l${-half},${-length} h${2 * half} Z`;
}
