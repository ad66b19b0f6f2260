import type { Run, RunTask } from '../api/runs.ts';
import { personText } from '../parts/person.tsx';
import { useQuery } from '../parts/query.ts';
import { shown } from '../parts/text.ts';
import { leftOf } from './happened.ts';
import { NODE } from './layout.ts';
import { operatorOf, type SeenRun } from './seen-run.ts';
import { TASK_WORDS } from './words.ts';

interface At {
  readonly x: number;
  readonly y: number;
}

interface TaskNodeProps extends At {
  readonly task: RunTask;
  readonly seen: SeenRun;
  readonly isSelected: boolean;
}

export function TaskNode({ x, y, task, seen, isSelected }: TaskNodeProps) {
  const { with: changed } = useQuery();
  const { name, state, target, after, executions } = task;
  const { mark, word } = TASK_WORDS[state];
  const last = executions.at(-1);
  const operator = last && operatorOf(last, seen);
  const warning = warningOf(task, seen);
  return (
    <li class="graph-place" style={placeAt({ x, y })}>
      <a
        class={`graph-node ${state}`}
        href={changed({ task: name })}
        data-task={name}
        tabIndex={isSelected ? 0 : -1}
        aria-current={isSelected ? 'true' : undefined}
      >
        <span class={`task-mark ${state}`} aria-hidden="true">
          {mark}
        </span>
        <span class="graph-name">{shown(name)}</span>
        <span class="graph-state">{word}</span>
        <span class="graph-remark">{operator === undefined ? shown(target) : personText(operator)}</span>
        {warning !== undefined && <span class="graph-warning">{warning}</span>}
        {after.length > 0 && <span class="visually-hidden">after {shown(after.join(' and '))}</span>}
      </a>
    </li>
  );
}

export function InputsNode({ x, y, run: { inputs } }: At & { readonly run: Run }) {
  const names = Object.keys(inputs ?? {}).join(', ');
  return (
    <li class="graph-place" style={placeAt({ x, y })}>
      <div class="graph-node inputs">
        <span class="graph-name">Inputs of the run</span>
        <span class="graph-remark">{shown(names)}</span>
      </div>
    </li>
  );
}

function placeAt({ x, y }: At) {
  return { left: `${x}px`, top: `${y}px`, width: `${NODE.width}px`, height: `${NODE.height}px` };
}

function warningOf(task: RunTask, { waiting }: SeenRun): string | undefined {
  if (waiting.some(({ deviation }) => deviation?.task === task.name)) return 'waits for reviewers';
  const left = leftOf(task).length;
  return left === 0 ? undefined : `${left} left the contract`;
}
