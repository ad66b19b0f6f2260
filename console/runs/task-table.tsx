import { Person } from '../parts/person.tsx';
import { useQuery } from '../parts/query.ts';
import { shown } from '../parts/text.ts';
import type { RunTask } from '../api/runs.ts';
import { TaskBadge } from './badges.tsx';
import { inOrder } from './graph-of.ts';
import { leftOf } from './happened.ts';
import { operatorOf, type SeenRun } from './seen-run.ts';

interface TaskTableProps {
  readonly seen: SeenRun;
  readonly selected: string;
}

/** The same as the graph, in rows. */
export function TaskTable({ seen, selected }: TaskTableProps) {
  return (
    <div class="scroll-x" role="region" aria-label="Table of the tasks" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">State</th>
            <th scope="col">After</th>
            <th scope="col">Target</th>
            <th scope="col">Who</th>
            <th scope="col">Left the contract</th>
            <th scope="col">Sessions</th>
          </tr>
        </thead>
        <tbody>
          {inOrder(seen.run.tasks).map((task) => (
            <Row key={task.name} task={task} seen={seen} isSelected={task.name === selected} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly task: RunTask;
  readonly seen: SeenRun;
  readonly isSelected: boolean;
}

function Row({ task, seen, isSelected }: RowProps) {
  const { with: changed } = useQuery();
  const { name, state, after, target, executions } = task;
  const last = executions.at(-1);
  const operator = last && operatorOf(last, seen);
  return (
    <tr>
      <th scope="row">
        <a href={changed({ task: name })} aria-current={isSelected ? 'true' : undefined}>
          {shown(name)}
        </a>
      </th>
      <td>
        <TaskBadge state={state} />
      </td>
      <td>{shown(after.join(', ')) || '–'}</td>
      <td>{shown(target)}</td>
      <td>{operator === undefined ? '–' : <Person person={operator} />}</td>
      <td>{leftOf(task).length || '–'}</td>
      <td>{executions.length || '–'}</td>
    </tr>
  );
}
