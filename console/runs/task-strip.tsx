import type { RunSummary } from '../api/runs.ts';
import { shown } from '../parts/text.ts';
import { TASK_WORDS } from './words.ts';

/** The states of a run's tasks at a glance, in the order in which the workflow has them. */
export function TaskStrip({ tasks }: Pick<RunSummary, 'tasks'>) {
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
