import type { Status } from '../api/gateway.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';

/** Gateway tasks by their leases, with what they said of themselves, and the sessions that one left behind. */
export function Tasks({ status, now }: { readonly status: Status; readonly now: number }) {
  const { tasks, unsealed } = status;
  return (
    <section id="tasks" class="card">
      <h2>Gateway tasks</h2>
      {tasks.length === 0 ? (
        <p class="hint">None has a lease.</p>
      ) : (
        <ul class="task-states">
          {tasks.map((task) => (
            <TaskState key={task.task} task={task} now={now} />
          ))}
        </ul>
      )}
      {unsealed.oldest !== undefined && (
        <p>
          Not sealed for longest: <a href={`/sessions/${unsealed.oldest.session}`}>the session</a> that began{' '}
          <Ago at={unsealed.oldest.startedAt} now={now} />
          {unsealed.oldest.since !== undefined && (
            <>
              , without a task since <Ago at={unsealed.oldest.since} now={now} />
            </>
          )}
          .
        </p>
      )}
    </section>
  );
}

function TaskState({ task, now }: { readonly task: Status['tasks'][number]; readonly now: number }) {
  const { alive, open, version, toldAt, journalLagMs, leaseUntil } = task;
  return (
    <li>
      <span class={`badge ${alive ? 'good' : 'bad'}`}>{alive ? 'alive' : 'gone'}</span>
      <code title={shown(task.task)}>{shown(task.task.slice(0, 8))}</code>
      <span>
        {open} open{version !== undefined && `, version ${shown(version)}`}
        {alive && journalLagMs !== undefined && `, lag ${durationText(journalLagMs)}`}
        {!alive && (
          <>
            , lease over <Ago at={leaseUntil} now={now} />
          </>
        )}
      </span>
      {alive && (
        <span class="hint">
          {toldAt === undefined ? 'said nothing of itself yet' : <Ago at={toldAt} now={now} />}
        </span>
      )}
    </li>
  );
}
