import { useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { CopyId } from '../parts/copy.tsx';
import { Countdown } from '../parts/countdown.tsx';
import { Person } from '../parts/person.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { RunBadge } from './badges.tsx';
import { EndRun } from './end-run.tsx';
import type { SeenRun } from './seen-run.ts';

interface RunHeadProps {
  readonly seen: SeenRun;
  readonly onEnded: (run: Run) => void;
}

/** What run this is, and how far it is. */
export function RunHead({ seen: { run }, onEnded }: RunHeadProps) {
  const { id, workflow, state, isCurrent, tasks } = run;
  const kept = tasks.filter((task) => task.state === 'kept').length;
  return (
    <header class="run-head">
      <nav class="run-crumbs" aria-label="Where this is">
        <a href="/runs">Runs</a> /{' '}
        <a href={`/runs?workflow=${encodeURIComponent(workflow)}`}>{shown(workflow)}</a>
      </nav>
      <div class="run-title">
        <h1>
          {shown(workflow)} <RunBadge state={state} />
        </h1>
        {state === 'running' && run.mayEnd && <EndButton run={run} onEnded={onEnded} />}
      </div>
      <p class="progress-words">
        {kept} of {tasks.length} {tasks.length === 1 ? 'task has' : 'tasks have'} kept{' '}
        {tasks.length === 1 ? 'its contract' : 'their contracts'}
      </p>
      {!isCurrent && (
        <p class="run-notice warn">
          The workflow was changed since this run began, or is gone: no task of it begins any more.
        </p>
      )}
      <Facts run={run} />
      <p class="run-id">
        <CopyId text={id} what="run id" />
      </p>
    </header>
  );
}

function EndButton({ run, onEnded }: { readonly run: Run; readonly onEnded: (run: Run) => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="danger" onClick={() => setOpen(true)}>
        End the run
      </button>
      {isOpen && <EndRun run={run} onEnded={onEnded} onClose={() => setOpen(false)} />}
    </>
  );
}

function Facts({ run }: { readonly run: Run }) {
  const { startedAt, startedBy, until, state, ended } = run;
  return (
    <dl class="facts">
      <dt>Started</dt>
      <dd>
        <Time at={startedAt} /> by <Person person={startedBy} />
      </dd>
      {state === 'running' && (
        <>
          <dt>Time</dt>
          <dd>
            <Countdown until={until} over="now" /> · <Time at={until} />
          </dd>
        </>
      )}
      {ended !== undefined && (
        <>
          <dt>Ended</dt>
          <dd>
            <Time at={ended.at} /> by <Person person={ended.by} />
            {ended.comment !== undefined && <p class="run-lines">{shownLines(ended.comment)}</p>}
          </dd>
        </>
      )}
      <Inputs run={run} />
      <More run={run} />
    </dl>
  );
}

function Inputs({ run: { inputs = {} } }: { readonly run: Run }) {
  const given = Object.entries(inputs);
  if (given.length === 0) return null;
  return (
    <>
      <dt>Inputs</dt>
      <dd>
        <dl class="run-given">
          {given.map(([name, value]) => (
            <div key={name}>
              <dt>{shown(name)}</dt>
              <dd>
                {value === null ? (
                  <em class="run-null">NULL</em>
                ) : (
                  <code class="run-lines">{shownLines(value)}</code>
                )}
              </dd>
            </div>
          ))}
        </dl>
      </dd>
    </>
  );
}

/** What it rests on. */
function More({ run: { digest, workflowDigest, policy, trace } }: { readonly run: Run }) {
  const facts = {
    'Run’s digest': digest,
    'Workflow’s digest': workflowDigest,
    Configuration: policy,
    Trace: trace,
  };
  return (
    <>
      <dt>Rests on</dt>
      <dd>
        <details>
          <summary>its digests, as the ledger and results name them</summary>
          <dl class="run-given">
            {Object.entries(facts).map(
              ([name, value]) =>
                value !== undefined && (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>
                      <code>{shown(value)}</code>
                    </dd>
                  </div>
                ),
            )}
          </dl>
        </details>
      </dd>
    </>
  );
}
