import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { shown } from '../parts/text.ts';
import { TASK_WORDS } from './words.ts';

/** For who listens: what changed since the run was looked at last. */
export function RunNews({ run }: { readonly run: Run }) {
  const before = useRef(run);
  const [words, setWords] = useState('');
  useEffect(() => {
    const news = newsOf(before.current, run);
    before.current = run;
    if (news !== '') setWords(news);
  }, [run]);
  return (
    <p class="visually-hidden" role="status">
      {shown(words)}
    </p>
  );
}

/** `find kept. refund ready.`; nothing where nothing changed. */
export function newsOf(before: Pick<Run, 'state' | 'tasks'>, now: Pick<Run, 'state' | 'tasks'>): string {
  const states = new Map(before.tasks.map(({ name, state }) => [name, state]));
  const changed = now.tasks
    .filter(({ name, state }) => states.get(name) !== state)
    .map(({ name, state }) => `${name} ${TASK_WORDS[state].word}.`);
  return [...changed, ...(before.state === now.state ? [] : [`The run is ${now.state}.`])].join(' ');
}
