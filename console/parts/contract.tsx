/** The contract of a task, as custody.yaml declares it: what it does, what goes in and comes out, what happens otherwise. */
import { besides, commandText, listOf, membersOf, wordsOf } from './contract-words.ts';
import { Sql } from './sql.tsx';
import { shown, shownLines } from './text.ts';

interface TaskContractProps {
  readonly name: string;
  /** The task, with its contract: all members as they are written. */
  readonly declared: Readonly<Record<string, unknown>>;
}

const ABOUT = ['description', 'contract'];
const PARTS = ['does', 'inputs', 'outputs', 'sets'];

export function TaskContract({ name, declared }: TaskContractProps) {
  const contract = membersOf(declared['contract']);
  const { description } = declared;
  return (
    <article class="contract">
      <h3>{shown(name)}</h3>
      {typeof description === 'string' && <p>{shown(description)}</p>}
      <Facts members={besides(declared, ABOUT)} />
      <h4>What it may run</h4>
      <ol class="contract-commands">
        {listOf(contract['does']).map((command, at) => (
          <Command key={at} command={membersOf(command)} />
        ))}
      </ol>
      <Named title="What goes in" of={contract['inputs']} />
      <Named title="What comes out" of={contract['outputs']} />
      <Named title="Settings it may make" of={contract['sets']} />
      <Facts members={besides(contract, PARTS)} />
    </article>
  );
}

const COMMAND = ['name', 'statement', 'argv', 'call', 'values', 'times', 'answers'];

function Command({ command }: { readonly command: Readonly<Record<string, unknown>> }) {
  const { name, times = 1, answers } = command;
  const text = commandText(command);
  return (
    <li>
      <p class="contract-command">
        <strong>{shown(String(name))}</strong>
        <span class="hint">
          {timesText(times)}
          {answers !== undefined && <>; answers with {wordsOf(answers)}</>}
        </span>
      </p>
      {typeof command['statement'] === 'string' ? (
        <Sql text={text} label={`Command ${String(name)}`} />
      ) : (
        <pre tabIndex={0} role="region" aria-label={shown(`Command ${String(name)}`)}>
          {shownLines(text)}
        </pre>
      )}
      <Facts members={Object.entries(membersOf(command['values']))} />
      <Facts members={besides(command, COMMAND)} />
    </li>
  );
}

function timesText(times: unknown): string {
  if (times === 1) return 'once';
  return `${wordsOf(times)} times`;
}

function Named({ title, of }: { readonly title: string; readonly of: unknown }) {
  const members = Object.entries(membersOf(of));
  if (members.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <Facts members={members} />
    </>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  by: 'who may run it',
  within: 'takes at most',
  onDeviation: 'on anything else',
};

function Facts({ members }: { readonly members: readonly (readonly [string, unknown])[] }) {
  if (members.length === 0) return null;
  return (
    <dl class="facts">
      {members.map(([name, value]) => (
        <div key={name}>
          <dt>{WORDS[name] ?? shown(name)}</dt>
          <dd>{isListOfMembers(value) ? <Lines of={value} /> : wordsOf(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function isListOfMembers(value: unknown): value is readonly unknown[] {
  return listOf(value).some((one) => typeof one === 'object');
}

function Lines({ of }: { readonly of: readonly unknown[] }) {
  return (
    <ul class="contract-lines">
      {of.map((one, at) => (
        <li key={at}>{wordsOf(one)}</li>
      ))}
    </ul>
  );
}
