import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import type { Run, Workflow } from '../api/runs.ts';
import { Copy } from '../parts/copy.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { durationText } from '../parts/duration.ts';
import { useQuery } from '../parts/query.ts';
import { Failure } from '../parts/states.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { InputField } from './input-field.tsx';
import { type Filled, filledIn, givenInputs, startLine } from './inputs.ts';

interface StartRunProps {
  /** Those that the caller may start. */
  readonly workflows: readonly Workflow[];
  /** As the address names it. */
  readonly wanted: string;
}

/** `?start=NAME`: a run is begun, and opened. */
export function StartRun({ workflows, wanted }: StartRunProps) {
  const { set } = useQuery();
  const chosen = workflows.find(({ name }) => name === wanted);
  return (
    <Dialog title="Start a run" onClose={() => set({ start: undefined })}>
      <label>
        Workflow
        <select
          value={chosen?.name ?? ''}
          onChange={(event) => set({ start: event.currentTarget.value }, { replace: true })}
        >
          {chosen === undefined && <option value="">Choose one</option>}
          {workflows.map(({ name }) => (
            <option key={name} value={name}>
              {shown(name)}
            </option>
          ))}
        </select>
      </label>
      {chosen !== undefined && <StartForm key={chosen.digest} workflow={chosen} />}
    </Dialog>
  );
}

function StartForm({ workflow }: { readonly workflow: Workflow }) {
  const [filled, setFilled] = useState<Filled>({});
  const { start, isStarting, problem } = useStart(workflow);
  const given = givenInputs(workflow, filled);
  const submit = (event: Event): void => {
    event.preventDefault();
    void start(given);
  };
  return (
    <form class="start-run" onSubmit={submit}>
      <AboutWorkflow workflow={workflow} />
      {Object.entries(workflow.inputs).map(([name, terms]) => (
        <InputField
          key={name}
          name={name}
          terms={terms}
          value={filledIn(filled, name)}
          onInput={(text) => setFilled((before) => ({ ...before, [name]: text }))}
        />
      ))}
      {problem !== undefined && <Failure problem={problem} />}
      <p class="run-cli">
        <code>{shown(startLine(workflow.name, given))}</code>
        <Copy text={startLine(workflow.name, given)} what="command line" />
      </p>
      <button type="submit" class="primary run-wide" disabled={isStarting}>
        {isStarting ? 'Starting…' : `Start ${shown(workflow.name)}`}
      </button>
    </form>
  );
}

function AboutWorkflow({ workflow: { description, tasks, withinSeconds } }: { readonly workflow: Workflow }) {
  const names = tasks.map(({ name }) => name).join(', ');
  return (
    <div class="hint">
      {description !== undefined && <p class="run-lines">{shownLines(description)}</p>}
      <p>
        {tasks.length === 1 ? 'One task: ' : `${tasks.length} tasks: `}
        {shown(names)}. A run may take {durationText(withinSeconds * 1_000)}.
      </p>
    </div>
  );
}

/** The same inputs start one run, however often they are sent: an answer may have been lost on its way. */
function useStart({ name: workflow }: Workflow) {
  const api = useApi();
  const { route } = useLocation();
  const sent = useRef({ what: '', key: '' });
  const [isStarting, setStarting] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const start = async (inputs: Filled): Promise<void> => {
    setStarting(true);
    setProblem(undefined);
    const what = JSON.stringify(inputs);
    if (sent.current.what !== what) sent.current = { what, key: crypto.randomUUID() };
    try {
      const headers = { 'idempotency-key': sent.current.key };
      const { id } = await api.send<Run>('/v1/runs', { body: { workflow, inputs }, headers });
      route(`/runs/${id}`);
    } catch (thrown) {
      setProblem(thrown);
      setStarting(false);
    }
  };
  return { start, isStarting, problem };
}
