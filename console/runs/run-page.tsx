import { useRoute } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import type { RunTask } from '../api/runs.ts';
import { useQuery } from '../parts/query.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { Tabs, useTab } from '../parts/tabs.tsx';
import { useTitle } from '../parts/title.ts';
import { FlowTable } from './flow-table.tsx';
import { flowsOf } from './flows.ts';
import { useNarrow } from './narrow.ts';
import { RunExports } from './run-exports.tsx';
import { RunHead } from './run-head.tsx';
import { RunNews } from './run-news.tsx';
import { RunProofCard } from './run-proof-card.tsx';
import { type SeenRun, useRun } from './seen-run.ts';
import { TaskGraph } from './task-graph.tsx';
import { TaskPanel } from './task-panel.tsx';
import { TaskTable } from './task-table.tsx';

const VIEWS = [
  { id: 'graph', word: 'Graph' },
  { id: 'table', word: 'Table' },
  { id: 'data', word: 'Data between tasks' },
];

/** `/runs/:id?task=NAME&view=table` */
export default function RunPage() {
  const { params } = useRoute();
  const { value, problem, again, set } = useRun(params['id']!);
  useTitle(value && `Run of ${value.run.workflow}`);
  return (
    <div class="run">
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {value === undefined && problem === undefined && <Loading what="the run" />}
      {value !== undefined && (
        <>
          <RunHead seen={value} onEnded={(run) => set({ ...value, run })} />
          <RunNews run={value.run} />
          <Tasks seen={value} />
          <RunProofCard run={value.run} />
          <RunExports run={value.run} />
        </>
      )}
    </div>
  );
}

function Tasks({ seen }: { readonly seen: SeenRun }) {
  const { query } = useQuery();
  const view = useTab(VIEWS, 'view');
  const { tasks } = seen.run;
  const task = tasks.find(({ name }) => name === query['task']) ?? mostWorthSeeing(tasks);
  const panel = useShown(query['task']);
  return (
    <>
      <section class="card run-tasks" aria-labelledby="tasks">
        <h2 id="tasks" class="visually-hidden">
          Tasks
        </h2>
        <Tabs label="The tasks as" tabs={VIEWS} name="view" />
        {view === 'graph' && <TaskGraph seen={seen} selected={task.name} />}
        {view === 'table' && <TaskTable seen={seen} selected={task.name} />}
        {view === 'data' && <FlowTable label="Data between tasks" run={seen.run} flows={flowsOf(seen.run)} />}
      </section>
      <div ref={panel}>
        <TaskPanel key={task.name} task={task} seen={seen} />
      </div>
    </>
  );
}

/** On a phone a task that was chosen is shown below all others: it is brought into sight. */
function useShown(chosen: string | undefined) {
  const panel = useRef<HTMLDivElement>(null);
  const before = useRef(chosen);
  const isNarrow = useNarrow();
  useEffect(() => {
    if (isNarrow && chosen !== before.current) panel.current?.scrollIntoView({ block: 'start' });
    before.current = chosen;
  }, [chosen, isNarrow]);
  return panel;
}

/** Where the address names none: what went wrong, what goes on, what comes next. */
function mostWorthSeeing(tasks: readonly RunTask[]): RunTask {
  const states = ['deviated', 'running', 'ready'] as const;
  const found = states.map((wanted) => tasks.find(({ state }) => state === wanted));
  return found.find((one) => one !== undefined) ?? tasks.at(-1)!;
}
