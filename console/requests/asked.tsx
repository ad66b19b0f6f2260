/** What is asked for: the words, then the commands, the contract, or the one command that waits. */
import type { AccessRequest } from '../api/types.ts';
import { TaskContract } from '../parts/contract.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { Command } from './command.tsx';
import { durationOf, many } from './words.ts';

interface AskedProps {
  readonly request: AccessRequest;
}

export function Asked({ request }: AskedProps) {
  const { reason, ticket, statements, deviation, run, contracts } = request;
  return (
    <section class="card asked">
      <h2>What is asked for</h2>
      <blockquote class="asked-reason">
        {reason === undefined ? <span class="hint">No reason given</span> : shownLines(reason)}
      </blockquote>
      <p class="asked-terms">
        For <strong>{durationOf(request)}</strong>
        {request.state === 'pending' ? ' from the last approval on' : ''}
        {ticket !== undefined && (
          <>
            {' '}
            · ticket <strong>{shown(ticket)}</strong>
          </>
        )}
      </p>
      {deviation !== undefined && <Deviation request={request} deviation={deviation} />}
      {run !== undefined && <OfRun run={run} />}
      {statements !== undefined && <Statements request={request} statements={statements} />}
      {deviation === undefined && statements === undefined && run === undefined && <Anything />}
      {contracts !== undefined && <Contracts contracts={contracts} />}
    </section>
  );
}

function Anything() {
  return (
    <p class="hint">
      Any command that the rule lets through, in as many sessions as they like until the time is over. All of
      it is recorded.
    </p>
  );
}

interface StatementsProps extends AskedProps {
  readonly statements: NonNullable<AccessRequest['statements']>;
}

function Statements({ request: { protocol }, statements }: StatementsProps) {
  return (
    <>
      <h3>
        {statements.length === 1
          ? 'This command and no other'
          : `These ${statements.length} commands and no others`}
      </h3>
      <p class="hint">In one session, each once.</p>
      <ol class="statements">
        {statements.map(({ text }, at) => (
          <li key={at}>
            <Command text={text} protocol={protocol} label={`Command ${at + 1}`} />
          </li>
        ))}
      </ol>
    </>
  );
}

interface DeviationProps extends AskedProps {
  readonly deviation: NonNullable<AccessRequest['deviation']>;
}

function Deviation({ request: { protocol }, deviation }: DeviationProps) {
  const { command, kind, of, expected, seen, isAnswer, task, workflow, run, session } = deviation;
  return (
    <>
      <h3>{isAnswer ? 'A command that has run, with another answer' : 'A command that waits'}</h3>
      <p>
        <span class="badge warn">{kind.replaceAll('-', ' ')}</span> The contract of the task{' '}
        <strong>{shown(task)}</strong> of <strong>{shown(workflow)}</strong> does not have it
        {of !== undefined && (
          <>
            ; it comes nearest to its command <strong>{shown(of)}</strong>
          </>
        )}
        .
      </p>
      <Command text={command.text} protocol={protocol} label="The command" />
      <div class="deviation-sides">
        <section>
          <h4>The contract has</h4>
          <pre>{shownLines(expected)}</pre>
        </section>
        <section>
          <h4>{isAnswer ? 'What came' : 'What it is'}</h4>
          <pre>{shownLines(seen)}</pre>
        </section>
      </div>
      <p class="asked-links">
        <a href={`/runs/${run}`}>The run</a> · <a href={`/sessions/${session}`}>The session that waits</a>
      </p>
    </>
  );
}

function OfRun({ run: { id, workflow, task } }: { readonly run: NonNullable<AccessRequest['run']> }) {
  return (
    <p>
      Only for sessions of <a href={`/runs/${id}`}>this run</a> of <strong>{shown(workflow)}</strong>
      {task === undefined ? ', as any of its tasks here' : ', as its task '}
      {task !== undefined && <strong>{shown(task)}</strong>}.
    </p>
  );
}

function Contracts({ contracts }: { readonly contracts: NonNullable<AccessRequest['contracts']> }) {
  const tasks = Object.entries(contracts);
  return (
    <details class="contracts" open>
      <summary>
        <h3>The contract{tasks.length === 1 ? '' : `s of ${many(tasks.length, 'task')}`}</h3>
      </summary>
      {tasks.map(([name, declared]) => (
        <TaskContract key={name} name={name} declared={declared} />
      ))}
    </details>
  );
}
