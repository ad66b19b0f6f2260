import type { ComponentChildren } from 'preact';
import { type RunTask, resultsOf } from '../api/runs.ts';
import { Copy } from '../parts/copy.tsx';
import { durationText } from '../parts/duration.ts';
import { useQuery } from '../parts/query.ts';
import { shown, shownLines } from '../parts/text.ts';
import { TaskBadge } from './badges.tsx';
import { Contract } from './contract.tsx';
import { Departures } from './departures.tsx';
import { Executions } from './executions.tsx';
import { FlowTable } from './flow-table.tsx';
import { flowsInto } from './flows.ts';
import { Handed } from './handed.tsx';
import { leftOf } from './happened.ts';
import { Outputs } from './outputs.tsx';
import type { SeenRun } from './seen-run.ts';
import { standingOf, timesText } from './standing.ts';

interface TaskPanelProps {
  readonly task: RunTask;
  readonly seen: SeenRun;
}

/** One task: whether it may begin, what it did, and what its contract has. */
export function TaskPanel({ task, seen }: TaskPanelProps) {
  const left = leftOf(task);
  const waiting = seen.waiting.filter(({ deviation }) => deviation?.task === task.name);
  return (
    <section class="card task-panel" aria-labelledby="task">
      <Head task={task} />
      <Next task={task} seen={seen} />
      {left.length + waiting.length > 0 && (
        <Part title="Left the contract">
          <Departures left={left} waiting={waiting} />
        </Part>
      )}
      {task.executions.length > 0 && (
        <Part title={task.executions.length === 1 ? 'Session' : 'Sessions'}>
          <Executions executions={task.executions} seen={seen} />
        </Part>
      )}
      <Data task={task} seen={seen} />
      <Part title="Contract, and what happened">
        <Contract task={task} />
      </Part>
    </section>
  );
}

function Head({ task }: { readonly task: RunTask }) {
  const { name, state, description, target, login, withinSeconds, runs } = task;
  return (
    <header>
      <h2 id="task">
        {shown(name)} <TaskBadge state={state} />
      </h2>
      {description !== undefined && <p class="run-lines">{shownLines(description)}</p>}
      <p class="hint">
        at {shown(login === undefined ? target : `${login} on ${target}`)} · <After task={task} /> · within{' '}
        {durationText(withinSeconds * 1_000)} · {timesText(runs)} in one run
      </p>
    </header>
  );
}

function After({ task: { after } }: { readonly task: RunTask }) {
  const { with: changed } = useQuery();
  if (after.length === 0) return <>begins at once</>;
  return (
    <>
      after{' '}
      {after.map((name, at) => (
        <span key={name}>
          {at > 0 && ', '}
          <a href={changed({ task: name })}>{shown(name)}</a>
        </span>
      ))}
    </>
  );
}

/** Whether it may begin, why not, and the lines that run it. */
function Next({ task, seen: { run } }: TaskPanelProps) {
  const { is, words } = standingOf(task, run);
  const exec = `custody run exec ${run.id} ${task.name}`;
  return (
    <div class={`run-standing ${is}`}>
      {words.map((one) => (
        <p key={one}>{shown(one)}</p>
      ))}
      {is === 'may' && (
        <>
          <CliLine what="runs the contract’s commands" line={exec} />
          <CliLine
            what="runs any client as this task"
            line={`custody run task ${run.id} ${task.name} -- COMMAND`}
          />
        </>
      )}
    </div>
  );
}

function CliLine({ line, what }: { readonly line: string; readonly what: string }) {
  return (
    <p class="run-cli">
      <code>{shown(line)}</code>
      <Copy text={line} what={`line that ${what}`} />
      <span class="hint">{what}</span>
    </p>
  );
}

/** What went in, and what came out. */
function Data({ task, seen: { run } }: TaskPanelProps) {
  const flows = flowsInto(task);
  const outputs = resultsOf(task).flatMap((result) => result.outputs);
  return (
    <>
      {flows.length > 0 && (
        <Part title="Goes in">
          <FlowTable label={`What goes into ${task.name}`} run={run} flows={flows} />
          {task.handed !== undefined && <Handed handed={task.handed} />}
        </Part>
      )}
      {outputs.length > 0 && (
        <Part title="Came out">
          <Outputs outputs={outputs} task={task} />
        </Part>
      )}
    </>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="run-part">
      <h3>{title}</h3>
      {children}
    </div>
  );
}
