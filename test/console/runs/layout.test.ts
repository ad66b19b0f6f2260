import { describe, expect, test } from 'vitest';
import type { RunGraph } from '../../../console/runs/graph-of.ts';
import { type Direction, NODE, type Placed, pathOf, placed } from '../../../console/runs/layout.ts';

const DATA = [
  { from: 'a.out.id', source: 'a', task: 'b', into: 'c.$1', state: 'proved' },
] as const satisfies RunGraph['edges'][number]['flows'];

function graph(edges: Readonly<Record<string, readonly string[]>>): RunGraph {
  return {
    nodes: Object.keys(edges),
    edges: Object.entries(edges).flatMap(([to, all]) =>
      all.map((from, at) => ({ from, to, flows: at % 2 === 0 ? DATA : [] })),
    ),
  };
}

/** Layers of six, each task after some of those in the layer before it, and now and then of one far before. */
function wide(count: number): RunGraph {
  const name = (at: number): string => `task-${at}`;
  const edges = Array.from({ length: count }, (_, at) => {
    const layer = Math.floor(at / 6);
    if (layer === 0) return [name(at), []] as const;
    const before = [0, 2, 3].map((step) => name((layer - 1) * 6 + ((at * 5 + step) % 6)));
    return [name(at), at % 7 === 0 ? [...before, name(at % 6)] : before] as const;
  });
  return graph(Object.fromEntries(edges.map(([task, before]) => [task, [...new Set(before)]])));
}

function overlaps({ nodes }: Placed): string[] {
  return nodes.flatMap((a, at) =>
    nodes
      .slice(at + 1)
      .filter((b) => Math.abs(a.x - b.x) < NODE.width && Math.abs(a.y - b.y) < NODE.height)
      .map((b) => `${a.name} and ${b.name}`),
  );
}

function backward({ nodes, edges }: Placed, direction: Direction): string[] {
  const along = direction === 'right' ? 'x' : 'y';
  const far = direction === 'right' ? NODE.width : NODE.height;
  const at = new Map(nodes.map((node) => [node.name, node]));
  return edges
    .filter(({ from, to }) => at.get(from)![along] + far >= at.get(to)![along])
    .map(({ from, to }) => `${from} to ${to}`);
}

function outside({ width, height, nodes }: Placed): string[] {
  return nodes
    .filter(({ x, y }) => x < 0 || y < 0 || x + NODE.width > width || y + NODE.height > height)
    .map(({ name }) => name);
}

const GRAPHS: readonly [string, RunGraph][] = [
  ['one task', graph({ only: [] })],
  ['a chain', graph({ find: [], refund: ['find'], report: ['refund'] })],
  ['a diamond', graph({ top: [], left: ['top'], right: ['top'], bottom: ['left', 'right'] })],
  ['tasks that have nothing to do with each other', graph({ a: [], b: [], c: [] })],
  ['sixty tasks', wide(60)],
  ['a task named as a member of every object', graph({ constructor: [], toString: ['constructor'] })],
];

describe.each(GRAPHS)('the layout of %s', (_, run) => {
  test.each(['right', 'down'] as const)('overlaps nowhere and goes %s', (direction) => {
    const found = placed(run, direction);
    expect(found.nodes.map(({ name }) => name)).toEqual(run.nodes);
    expect(found.edges).toHaveLength(run.edges.length);
    expect(overlaps(found)).toEqual([]);
    expect(backward(found, direction)).toEqual([]);
    expect(outside(found)).toEqual([]);
  });
});

test('a diamond has its sides beside each other', () => {
  const { nodes } = placed(GRAPHS[2]![1], 'right');
  const [, left, right] = nodes;
  expect(left!.x).toBe(right!.x);
  expect(left!.y).not.toBe(right!.y);
});

test('words of arrows stand on no task', () => {
  const { nodes, edges } = placed(wide(60), 'right');
  const words = edges.flatMap(({ word }) => word ?? []);
  expect(words.length).toBeGreaterThan(50);
  const covered = words.filter((word) =>
    nodes.some(({ x, y }) => word.x > x && word.x < x + NODE.width && word.y > y && word.y < y + NODE.height),
  );
  expect(covered).toEqual([]);
});

const POINTS = [
  { x: 0, y: 0 },
  { x: 10, y: 5 },
  { x: 20.04, y: 0 },
];

test.each([
  ['nothing', 0, ''],
  ['a point', 1, ''],
  ['two points', 2, 'M0,0 C5,0 5,5 10,5'],
  ['three', 3, 'M0,0 C5,0 5,5 10,5 C15,5 15,0 20,0'],
] as const)('a line through %s leaves and comes from the side', (_, count, path) => {
  expect(pathOf(POINTS.slice(0, count), 'right')).toBe(path);
});

test('one that goes down leaves below', () => {
  expect(pathOf(POINTS.slice(0, 2), 'down')).toBe('M0,0 C0,2.5 10,2.5 10,5');
});

test.each(['right', 'down'] as const)(
  'arrows that go %s begin and end at the sides of their tasks',
  (direction) => {
    const { nodes, edges } = placed(wide(60), direction);
    const at = new Map(nodes.map((node) => [node.name, node]));
    for (const { from, to, points } of edges) {
      const [a, b] = [at.get(from)!, at.get(to)!];
      const [ends, comes] =
        direction === 'right'
          ? [
              { x: a.x + NODE.width, y: a.y + NODE.height / 2 },
              { x: b.x, y: b.y + NODE.height / 2 },
            ]
          : [
              { x: a.x + NODE.width / 2, y: a.y + NODE.height },
              { x: b.x + NODE.width / 2, y: b.y },
            ];
      expect([points[0], points.at(-1)]).toEqual([ends, comes]);
    }
  },
);
