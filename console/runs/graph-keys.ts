/** Where the arrow keys lead in a graph: along its arrows, and to what stands beside. */
import { INPUTS, type RunGraph } from './graph-of.ts';
import type { Direction, Placed, PlacedNode } from './layout.ts';

type Way = 'on' | 'back' | 'before' | 'after';

const WAYS: Readonly<Record<Direction, Readonly<Record<string, Way>>>> = {
  right: { ArrowRight: 'on', ArrowLeft: 'back', ArrowUp: 'before', ArrowDown: 'after' },
  down: { ArrowDown: 'on', ArrowUp: 'back', ArrowLeft: 'before', ArrowRight: 'after' },
};

interface Place {
  readonly graph: RunGraph;
  readonly placed: Placed;
  readonly direction: Direction;
}

/** The task that a key leads to from a task; undefined where there is none, or the key is another one. */
export function taskByKey(
  key: string,
  from: string,
  { graph, placed, direction }: Place,
): string | undefined {
  const tasks = placed.nodes.filter(({ name }) => name !== INPUTS);
  if (key === 'Home') return tasks[0]?.name;
  if (key === 'End') return tasks.at(-1)?.name;
  const way = WAYS[direction][key];
  const here = tasks.find(({ name }) => name === from);
  if (way === undefined || here === undefined) return undefined;
  const across = direction === 'right' ? 'y' : 'x';
  const found = candidates(way, here, { graph, placed: { ...placed, nodes: tasks }, direction });
  return nearest(found, here[across], across)?.name;
}

function candidates(way: Way, here: PlacedNode, { graph, placed: { nodes }, direction }: Place) {
  const [along, across] = direction === 'right' ? (['x', 'y'] as const) : (['y', 'x'] as const);
  const { name } = here;
  const named = (names: readonly string[]) => nodes.filter((node) => names.includes(node.name));
  switch (way) {
    case 'on':
      return named(graph.edges.filter(({ from }) => from === name).map(({ to }) => to));
    case 'back':
      return named(graph.edges.filter(({ to }) => to === name).map(({ from }) => from));
    case 'before':
      return nodes.filter((node) => node[along] === here[along] && node[across] < here[across]);
    case 'after':
      return nodes.filter((node) => node[along] === here[along] && node[across] > here[across]);
  }
}

function nearest(nodes: readonly PlacedNode[], to: number, across: 'x' | 'y'): PlacedNode | undefined {
  const far = (node: PlacedNode): number => Math.abs(node[across] - to);
  return nodes.toSorted((a, b) => far(a) - far(b))[0];
}
