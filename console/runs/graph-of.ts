/** A run as a graph: its tasks, what it was started with, and what goes from where to where. */
import type { Run } from '../api/runs.ts';
import { type Flow, flowsOf } from './flows.ts';

/** No task has this name: what the run was started with. */
export const INPUTS = 'input:';

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Empty where one only comes after the other. */
  readonly flows: readonly Flow[];
}

export interface RunGraph {
  /** In the order in which the workflow has its tasks. */
  readonly nodes: readonly string[];
  readonly edges: readonly GraphEdge[];
}

export function graphOf(run: Pick<Run, 'tasks'>): RunGraph {
  const tasks = run.tasks.map(({ name }) => name);
  const flows = Map.groupBy(flowsOf(run), ({ source = INPUTS, task }) => keyOf(source, task));
  const orders = run.tasks.flatMap(({ name, after }) => after.map((before) => keyOf(before, name)));
  const edges = [...new Set([...orders, ...flows.keys()])].map((key) => {
    const [from, to] = JSON.parse(key) as [string, string];
    return { from, to, flows: flows.get(key) ?? [] };
  });
  const hasInputs = edges.some(({ from }) => from === INPUTS);
  return { nodes: [...(hasInputs ? [INPUTS] : []), ...tasks], edges };
}

/** Tasks, each after those before it; else in the order in which the workflow has them. */
export function inOrder<Task extends { readonly name: string; readonly after: readonly string[] }>(
  tasks: readonly Task[],
): readonly Task[] {
  const left = new Set(tasks);
  const done = new Set<string>();
  const ordered: Task[] = [];
  while (left.size > 0) {
    const next = [...left].find(({ after }) => after.every((one) => done.has(one))) ?? [...left][0]!;
    left.delete(next);
    done.add(next.name);
    ordered.push(next);
  }
  return ordered;
}

function keyOf(from: string, to: string): string {
  return JSON.stringify([from, to]);
}
