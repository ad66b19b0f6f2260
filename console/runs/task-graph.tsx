import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { FlowLegend } from './flow-legend.tsx';
import { taskByKey } from './graph-keys.ts';
import { graphOf, INPUTS, type RunGraph } from './graph-of.ts';
import { GraphArrows } from './graph-arrows.tsx';
import { InputsNode, TaskNode } from './graph-node.tsx';
import { type Direction, placed } from './layout.ts';
import { useNarrow } from './narrow.ts';
import type { SeenRun } from './seen-run.ts';

interface TaskGraphProps {
  readonly seen: SeenRun;
  readonly selected: string;
}

/** The tasks where they stand: nodes are links, and arrow keys go along the arrows. */
export function TaskGraph({ seen, selected }: TaskGraphProps) {
  const { run } = seen;
  const graph = graphOf(run);
  const direction: Direction = useNarrow() ? 'down' : 'right';
  const place = usePlaced(graph, direction);
  const region = useRef<HTMLDivElement>(null);
  useEffect(
    () => nodeIn(region.current, selected)?.scrollIntoView({ block: 'nearest', inline: 'nearest' }),
    [selected],
  );
  const go = (event: KeyboardEvent): void => {
    const from = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-task]') : null;
    const to = from && taskByKey(event.key, from.dataset['task']!, { graph, placed: place, direction });
    if (typeof to !== 'string') return;
    event.preventDefault();
    nodeIn(region.current, to)?.focus();
  };
  return (
    <>
      <div
        class="graph scroll-x"
        ref={region}
        role="region"
        aria-label="Graph of the tasks"
        tabIndex={0}
        data-own-keys
      >
        <div class="graph-canvas" style={{ width: `${place.width}px`, height: `${place.height}px` }}>
          <GraphArrows graph={graph} placed={place} direction={direction} />
          <ul onKeyDown={go}>
            {place.nodes.map(({ name, x, y }) =>
              name === INPUTS ? (
                <InputsNode key={name} x={x} y={y} run={run} />
              ) : (
                <TaskNode
                  key={name}
                  x={x}
                  y={y}
                  task={taskOf(run, name)}
                  seen={seen}
                  isSelected={name === selected}
                />
              ),
            )}
          </ul>
        </div>
      </div>
      <FlowLegend />
    </>
  );
}

/** Anew only where tasks or arrows are others: a run that goes on stays where it is. */
function usePlaced(graph: RunGraph, direction: Direction) {
  const shape = JSON.stringify([
    direction,
    graph.nodes,
    graph.edges.map(({ from, to, flows }) => [from, to, flows.length > 0]),
  ]);
  return useMemo(() => placed(graph, direction), [shape]);
}

function taskOf({ tasks }: Run, name: string) {
  return tasks.find((task) => task.name === name)!;
}

function nodeIn(region: HTMLElement | null, task: string): HTMLElement | undefined {
  const nodes = [...(region?.querySelectorAll<HTMLElement>('[data-task]') ?? [])];
  return nodes.find((node) => node.dataset['task'] === task);
}
