import type { RunSummary, TaskState } from '../api/runs.ts';
import { shown } from '../parts/text.ts';
import { TASK_WORDS } from './words.ts';

/** More tasks than this are counted. */
const SHOWN_MAX = 12;

/** The states of a run's tasks at a glance, in the order in which the workflow has them. */
export function TaskStrip({ tasks }: Pick<RunSummary, 'tasks'>) {
  if (tasks.length > SHOWN_MAX) return <TaskCounts tasks={tasks} />;
  const words = tasks.map(({ name, state }) => `${name} ${TASK_WORDS[state].word}`).join(', ');
  return (
    <span class="task-strip" role="img" aria-label={shown(words)}>
      {tasks.map(({ name, state }) => (
        <span key={name} class={`task-mark ${state}`} title={shown(`${name}: ${TASK_WORDS[state].word}`)}>
          {TASK_WORDS[state].mark}
        </span>
      ))}
    </span>
  );
}

function TaskCounts({ tasks }: Pick<RunSummary, 'tasks'>) {
  const states = (Object.keys(TASK_WORDS) as TaskState[]).toReversed();
  return (
    <span class="task-strip">
      {states.map((state) => {
        const count = tasks.filter((task) => task.state === state).length;
        return (
          count > 0 && (
            <span key={state} class="task-count">
              <span class={`task-mark ${state}`} aria-hidden="true">
                {TASK_WORDS[state].mark}
              </span>{' '}
              {count} {TASK_WORDS[state].word}
            </span>
          )
        );
      })}
    </span>
  );
}
