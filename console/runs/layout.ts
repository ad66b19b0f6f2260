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
  right: { rankdir: 'LR', nodesep: 22, ranksep: 24, edgesep: 14 },
  down: { rankdir: 'TB', nodesep: 18, ranksep: 14, edgesep: 12 },
} as const;

export function placed({ nodes, edges }: RunGraph, direction: Direction): Placed {
  const graph = new Graph();
  graph.setGraph({ ...GAPS[direction], marginx: MARGIN, marginy: MARGIN });
  const ids = new Map(nodes.map((name, at) => [name, idOf(at)]));
  for (const id of ids.values()) graph.setNode(id, { ...NODE });
  for (const { from, to, flows } of edges)
    graph.setEdge(ids.get(from)!, ids.get(to)!, flows.length === 0 ? {} : { ...WORD, labelpos: 'c' });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    width,
    height,
    nodes: nodes.map((name) => placedNode(name, graph.node(ids.get(name)!) as Point)),
    edges: edges.map(({ from, to, flows }) => {
      const edge = graph.edge(ids.get(from)!, ids.get(to)!) as Point & { readonly points: readonly Point[] };
      const word = flows.length === 0 ? undefined : { x: edge.x, y: edge.y };
      return { from, to, points: edge.points, word };
    }),
  };
}

/** Whoever lays it out keeps nodes as members of an object: a task may be called `constructor`. */
function idOf(at: number): string {
  return `node ${at}`;
}

function placedNode(name: string, { x, y }: Point): PlacedNode {
  return { name, x: x - NODE.width / 2, y: y - NODE.height / 2 };
}

/** A soft line through the points, as SVG has it. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return '';
  const curves = rest.map((point, at) => {
    const next = rest[at + 1] ?? last;
    const end = next === last ? last : middle(point, next);
    return `Q${at2(point)} ${at2(end)}`;
  });
  return [`M${at2(first)}`, ...(curves.length === 0 ? [`L${at2(last)}`] : curves)].join(' ');
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function at2({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
