/** Where the tasks of a run stand: layer by layer, with arrows that go forward. */
import { Graph, layout } from '@dagrejs/dagre';
import type { RunGraph } from './graph-of.ts';

/** `right`: layers are columns. `down`: they are rows, for screens that are narrow. */
export type Direction = 'right' | 'down';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedNode extends Point {
  readonly name: string;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  readonly points: readonly Point[];
  /** The middle of its word, where it has one. */
  readonly word: Point | undefined;
}

export interface Placed {
  readonly width: number;
  readonly height: number;
  /** Their upper left corners. */
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Pixels. */
export const NODE = { width: 200, height: 76 } as const;
const WORD = { width: 84, height: 26 } as const;
const MARGIN = 12;
const GAPS = {
  right: { rankdir: 'LR', nodesep: 22, ranksep: 44, edgesep: 8 },
  down: { rankdir: 'TB', nodesep: 18, ranksep: 32, edgesep: 8 },
} as const;

export function placed({ nodes, edges }: RunGraph, direction: Direction): Placed {
  const graph = new Graph();
  graph.setGraph({ ...GAPS[direction], marginx: MARGIN, marginy: MARGIN });
  const ids = new Map(nodes.map((name, at) => [name, idOf(at)]));
  for (const id of [...ids.values()].reverse()) graph.setNode(id, { ...NODE });
  for (const { from, to, flows } of edges.toReversed())
    graph.setEdge(ids.get(from)!, ids.get(to)!, flows.length === 0 ? {} : { ...WORD, labelpos: 'c' });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  const middles = new Map(nodes.map((name) => [name, graph.node(ids.get(name)!) as Point]));
  return {
    width,
    height,
    nodes: nodes.map((name) => placedNode(name, middles.get(name)!)),
    edges: edges.map(({ from, to, flows }) => {
      const edge = graph.edge(ids.get(from)!, ids.get(to)!) as Point & { readonly points: readonly Point[] };
      const between = isShort(edge.points, flows) ? [] : edge.points.slice(1, -1);
      const points = [
        sideOf(middles.get(from)!, 1, direction),
        ...between,
        sideOf(middles.get(to)!, -1, direction),
      ];
      return { from, to, points, word: flows.length === 0 ? undefined : { x: edge.x, y: edge.y } };
    }),
  };
}

/** From one layer to the next, with nothing to say on its way: it needs no place of its own. */
function isShort(points: readonly Point[], flows: readonly unknown[]): boolean {
  return flows.length === 0 && points.length <= 3;
}

/** The middle of the side where arrows leave (1) or come (-1). */
function sideOf({ x, y }: Point, side: 1 | -1, direction: Direction): Point {
  if (direction === 'right') return { x: x + (side * NODE.width) / 2, y };
  return { x, y: y + (side * NODE.height) / 2 };
}

/** Whoever lays it out keeps nodes as members of an object: a task may be called `constructor`. */
function idOf(at: number): string {
  return `node ${at}`;
}

function placedNode(name: string, { x, y }: Point): PlacedNode {
  return { name, x: x - NODE.width / 2, y: y - NODE.height / 2 };
}

/** From the side of one task to the side of the other, through the points between, as SVG has it: it leaves and comes straight. */
export function pathOf(points: readonly Point[], direction: Direction): string {
  const [first, ...rest] = points;
  if (first === undefined || rest.length === 0) return '';
  const curves = rest.map((point, at) => curve(points[at]!, point, direction));
  return [`M${text(first)}`, ...curves].join(' ');
}

function curve(a: Point, b: Point, direction: Direction): string {
  const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
  const [one, other] =
    direction === 'right'
      ? [
          { x, y: a.y },
          { x, y: b.y },
        ]
      : [
          { x: a.x, y },
          { x: b.x, y },
        ];
  return `C${text(one)} ${text(other)} ${text(b)}`;
}

function text({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
