import type { RunState, TaskState } from '../api/runs.ts';
import type { FlowState } from './flows.ts';
import { FLOW_WORDS, RUN_WORDS, TASK_WORDS } from './words.ts';

export function RunBadge({ state }: { readonly state: RunState }) {
  const { word, tone } = RUN_WORDS[state];
  return <span class={`badge ${tone}`}>{word}</span>;
}

export function TaskBadge({ state }: { readonly state: TaskState }) {
  const { word, tone, mark, means } = TASK_WORDS[state];
  return (
    <span class={`badge ${tone}`} title={means}>
      <span aria-hidden="true">{mark}</span> {word}
    </span>
  );
}

export function FlowBadge({ state }: { readonly state: FlowState }) {
  const { word, tone, mark, means } = FLOW_WORDS[state];
  return (
    <span class={`badge ${tone} flow ${state}`} title={means}>
      <span aria-hidden="true">{mark}</span> {word}
    </span>
  );
}
