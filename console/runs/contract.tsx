import {
  type ContractCommand,
  type RunTask,
  resultsOf,
  type TaskResult,
  type ValueTerms,
} from '../api/runs.ts';
import { commandText } from '../parts/contract-words.ts';
import { durationText } from '../parts/duration.ts';
import { Sql } from '../parts/sql.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { Compared } from './compared.tsx';
import { answerTexts, oftenText, orderText, otherwiseText, placeTexts } from './contract-words.ts';
import { isAsOften, type Ran, ranOf } from './happened.ts';
import { StepLink } from './step-link.tsx';

/** The commands of a task's contract, each beside how often it ran, and those that it does not have. */
export function Contract({ task }: { readonly task: RunTask }) {
  const results = resultsOf(task);
  const others = ranOf(undefined, results);
  const omitted = results.reduce((sum, { commandsOmitted }) => sum + commandsOmitted, 0);
  return (
    <>
      <ol class="run-contract">
        {task.does.map((command) => (
          <Command key={command.name} command={command} results={results} />
        ))}
      </ol>
      {others.times > 0 && (
        <p class="run-outside">
          <span class="badge bad">✗ not in the contract</span> <Happened ran={others} />
        </p>
      )}
      {omitted > 0 && <p class="hint">{omitted} more commands ran than a result lists.</p>}
      <Beside task={task} />
    </>
  );
}

interface CommandProps {
  readonly command: ContractCommand;
  readonly results: readonly TaskResult[];
}

function Command({ command, results }: CommandProps) {
  const { name, times, answers, values } = command;
  const expected = [oftenText(times), ...answerTexts(answers)].join(', ');
  return (
    <li class="run-command">
      <h4>{shown(name)}</h4>
      <CommandText command={command} />
      <Places values={values} />
      <Compared expected={expected} came="Happened">
        <Outcome command={command} results={results} />
      </Compared>
    </li>
  );
}

function CommandText({ command }: { readonly command: ContractCommand }) {
  const [text, label] = [commandText(command), shown(`Command ${command.name}`)];
  if (command.statement !== undefined) return <Sql text={text} label={label} />;
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      <code>{shownLines(text)}</code>
    </pre>
  );
}

function Outcome({ command, results }: CommandProps) {
  if (results.length === 0) return <>No result that you may see yet</>;
  const isGood = results.every((result) => isAsOften(command, result));
  return (
    <>
      <span class={isGood ? 'badge good' : 'badge bad'}>
        {isGood ? '✓ as often as it may' : '✗ not as often as it has to'}
      </span>{' '}
      <Happened ran={ranOf(command.name, results)} />
    </>
  );
}

function Happened({ ran }: { readonly ran: Ran }) {
  const { times, failed, undone, rows, affected, tookMs, first } = ran;
  const said = [
    times === 0 ? 'did not run' : times === 1 ? 'ran once' : `ran ${times} times`,
    rows > 0 ? `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}` : '',
    affected > 0 ? `${affected.toLocaleString('en')} changed` : '',
    failed > 0 ? `${failed} failed` : '',
    undone > 0 ? `${undone} taken back` : '',
    times > 0 ? durationText(tookMs) : '',
  ].filter((one) => one !== '');
  return (
    <>
      {said.join(', ')}
      {first !== undefined && (
        <>
          {' · '}
          <StepLink place={first}>{times === 1 ? 'the step' : 'the first step'}</StepLink>
        </>
      )}
    </>
  );
}

/** What each open place of a command may be. */
function Places({ values }: { readonly values: Readonly<Record<string, ValueTerms>> }) {
  const places = Object.entries(values);
  if (places.length === 0) return null;
  return (
    <dl class="run-places">
      {places.map(([hole, terms]) => (
        <div key={hole}>
          <dt>
            <code>{shown(hole)}</code>
          </dt>
          <dd>
            {shown(placeTexts(terms).join(', '))}
            <Origin terms={terms} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Origin({ terms: { from, input } }: { readonly terms: ValueTerms }) {
  return (
    <>
      {from !== undefined && (
        <>
          , only from <code>{shown(from)}</code>
        </>
      )}
      {input !== undefined && (
        <>
          , the run’s input <code>{shown(input)}</code>
        </>
      )}
    </>
  );
}

/** What else the contract says. */
function Beside({ task }: { readonly task: RunTask }) {
  const { sets } = task;
  return (
    <ul class="run-beside">
      <li>{shown(orderText(task))}</li>
      {Object.entries(sets).map(([name, terms]) => (
        <li key={name}>
          SET <code>{shown(name)}</code>: {shown(placeTexts(terms).join(', '))}
        </li>
      ))}
      <li>{shown(otherwiseText(task))}</li>
    </ul>
  );
}
