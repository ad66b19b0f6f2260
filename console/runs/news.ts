import type { Run } from '../api/runs.ts';
import { TASK_WORDS } from './words.ts';

/** `find kept. refund ready.`; nothing where nothing changed. */
export function newsOf(before: Pick<Run, 'state' | 'tasks'>, now: Pick<Run, 'state' | 'tasks'>): string {
  const states = new Map(before.tasks.map(({ name, state }) => [name, state]));
  const changed = now.tasks
    .filter(({ name, state }) => states.get(name) !== state)
    .map(({ name, state }) => `${name} ${TASK_WORDS[state].word}.`);
  return [...changed, ...(before.state === now.state ? [] : [`The run is ${now.state}.`])].join(' ');
}
