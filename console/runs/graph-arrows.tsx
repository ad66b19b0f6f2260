import { worstOf } from './flows.ts';
import type { GraphEdge, RunGraph } from './graph-of.ts';
import { type Placed, type PlacedEdge, pathOf, type Point } from './layout.ts';
import { FLOW_WORDS } from './words.ts';

interface GraphArrowsProps {
  readonly graph: RunGraph;
  readonly placed: Placed;
}

/** Who listens has the same in each task, and in the table of the data. */
export function GraphArrows({ graph, placed: { width, height, edges } }: GraphArrowsProps) {
  return (
    <div class="graph-arrows" aria-hidden="true">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        {edges.map((edge, at) => (
          <Arrow key={`${edge.from} ${edge.to}`} edge={edge} of={graph.edges[at]!} />
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

function Arrow({ edge: { points }, of: { flows } }: ArrowProps) {
  const state = worstOf(flows) ?? 'order';
  return (
    <g class={`arrow ${state}`}>
      <path class="line" d={pathOf(points)} />
      <path class="head" d={headOf(points)} />
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

/** The point of the arrow: in the direction in which the line ends. */
function headOf(points: readonly Point[]): string {
  const [before, end] = points.slice(-2);
  if (before === undefined || end === undefined) return '';
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const [dx, dy] = [(end.x - before.x) / length, (end.y - before.y) / length];
  const [x, y] = [end.x - dx * HEAD.length, end.y - dy * HEAD.length];
  return `M${end.x},${end.y} L${x - dy * HEAD.half},${y + dx * HEAD.half} L${x + dy * HEAD.half},${y - dx * HEAD.half} Z`;
}
