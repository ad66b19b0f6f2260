import type { Api } from '../api/client.ts';
import type { RunPage, RunSummary, Workflow } from '../api/runs.ts';
import { useAnswer } from '../parts/answer.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { useNow } from '../parts/now.ts';
import { Older, type Page, usePages } from '../parts/pager.tsx';
import { Person } from '../parts/person.tsx';
import { useQuery } from '../parts/query.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useApi } from '../signin/context.ts';
import { RunBadge } from './badges.tsx';
import { StartRun } from './start-run.tsx';
import { TaskStrip } from './task-strip.tsx';

/** While somebody looks, milliseconds. */
const EVERY_MS = 5_000;

/** `/runs?workflow=NAME`, and `&start=NAME` to begin one. */
export default function RunsPage() {
  const api = useApi();
  const { query, set } = useQuery();
  const { workflow, start } = query;
  const workflows = useAnswer((signal) => workflowsOf(api, signal), []);
  const pages = usePages((cursor, signal) => runsOf(api, workflow, cursor, signal), [workflow], {
    idOf: ({ id }) => id,
    everyMs: EVERY_MS,
  });
  const startable = (workflows.value ?? []).filter(({ mayStart }) => mayStart);
  return (
    <div class="runs">
      <header class="run-title">
        <h1>Runs</h1>
        {startable.length > 0 && (
          <button
            type="button"
            class="primary"
            onClick={() => set({ start: workflow ?? startable[0]!.name })}
          >
            Start a run
          </button>
        )}
      </header>
      <WorkflowFilter workflows={workflows.value ?? []} />
      {workflows.problem && <Failure problem={workflows.problem} onRetry={workflows.again} />}
      {pages.first.problem && <Failure problem={pages.first.problem} onRetry={pages.first.again} />}
      <RunList runs={pages.rows} mayStart={startable.length > 0} />
      <Older pages={pages} what="runs" />
      {start !== undefined && workflows.value && <StartRun workflows={startable} wanted={start} />}
    </div>
  );
}

async function workflowsOf(api: Api, signal: AbortSignal): Promise<readonly Workflow[]> {
  const found = await api.get<{ readonly workflows: readonly Workflow[] }>('/v1/workflows', {}, signal);
  return found.workflows;
}

async function runsOf(
  api: Api,
  workflow: string | undefined,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<Page<RunSummary>> {
  const { runs, next } = await api.get<RunPage>('/v1/runs', { workflow, cursor }, signal);
  return { rows: runs, next };
}

function WorkflowFilter({ workflows }: { readonly workflows: readonly Workflow[] }) {
  const { query, set } = useQuery();
  const chosen = query['workflow'] ?? '';
  const names = [...new Set([...workflows.map(({ name }) => name), chosen])].filter((name) => name !== '');
  return (
    <form class="run-filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        Workflow
        <select data-search value={chosen} onChange={(event) => set({ workflow: event.currentTarget.value })}>
          <option value="">All workflows</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {shown(name)}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

interface RunListProps {
  readonly runs: readonly RunSummary[] | undefined;
  readonly mayStart: boolean;
}

function RunList({ runs, mayStart }: RunListProps) {
  const list = useListKeys<HTMLUListElement>();
  const now = useNow();
  if (runs === undefined) return <Loading what="runs" />;
  if (runs.length === 0) return <NoRuns mayStart={mayStart} />;
  return (
    <ul class="run-list card" ref={list} aria-label="Runs, the newest first">
      {runs.map((run) => (
        <RunRow key={run.id} run={run} now={now} />
      ))}
    </ul>
  );
}

function RunRow({ run, now }: { readonly run: RunSummary; readonly now: number }) {
  const { id, workflow, state, tasks, startedBy, startedAt, until } = run;
  return (
    <li class={`run-row ${state}`}>
      <span class="run-name">
        <a href={`/runs/${id}`} data-item>
          {shown(workflow)}
        </a>
        <code class="hint">{id.slice(-12)}</code>
      </span>
      <RunBadge state={state} />
      <TaskStrip tasks={tasks} />
      <span class="run-who">
        <Person person={startedBy} />
      </span>
      <span class="run-when">
        <Ago at={startedAt} now={now} />
        {state === 'running' && (
          <span class="hint">
            {' '}
            over <Ago at={until} now={now} />
          </span>
        )}
      </span>
    </li>
  );
}

function NoRuns({ mayStart }: { readonly mayStart: boolean }) {
  const { query } = useQuery();
  const isFiltered = query['workflow'] !== undefined;
  return (
    <Empty title={isFiltered ? 'No runs of this workflow that you may see' : 'No runs that you may see'}>
      <p>
        {mayStart
          ? 'Start one here, or with custody run start.'
          : 'Runs are there for who starts them, runs their tasks, or looks at what is done at their targets.'}
      </p>
      {isFiltered && (
        <p>
          <a href="/runs">Show the runs of all workflows</a>
        </p>
      )}
    </Empty>
  );
}
