import { fieldsOf as textsOf } from '../parts/form.ts';
import { useEffect, useRef } from 'preact/hooks';
import { useQuery } from '../parts/query.ts';
import { type Filters, localText, timeOf } from './filters.ts';

const STATES = [
  { state: undefined, word: 'All' },
  { state: 'open', word: 'Live' },
  { state: 'waiting', word: 'Waiting for a watcher' },
] as const;

/** Each change is a place that Back leads away from, and that can be sent to somebody. */
export function FilterForm({ filters }: { readonly filters: Filters }) {
  const { set, with: changed } = useQuery();
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <form
      class="filters"
      aria-label="Filters"
      onSubmit={(event) => {
        event.preventDefault();
        set(fieldsOf(event.currentTarget));
      }}
      onChange={(event) => set(fieldsOf(event.currentTarget))}
    >
      <nav class="segments" aria-label="Which sessions">
        {STATES.map(({ state, word }) => (
          <a key={word} href={changed({ state })} aria-current={filters.state === state ? 'true' : undefined}>
            {word}
          </a>
        ))}
      </nav>
      <Field name="person" label="Person" value={filters.person} placeholder="dana@example.com" />
      <Field name="target" label="Target" value={filters.target} placeholder="orders-db" />
      <Field name="since" label="Since" value={localText(filters.since)} type="datetime-local" />
      <Field name="until" label="Until" value={localText(filters.until)} type="datetime-local" />
      <Field name="run" label="Run" value={filters.run} placeholder="id of a run" />
      {isFiltered && (
        <a class="clear" href="/sessions">
          Clear
        </a>
      )}
      <button type="submit" class="visually-hidden">
        Filter
      </button>
    </form>
  );
}

function fieldsOf(form: HTMLFormElement): Record<string, string | undefined> {
  const { since, until, ...same } = textsOf(form);
  return { ...same, since: timeOf(since), until: timeOf(until) };
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly placeholder?: string;
  readonly type?: 'text' | 'datetime-local';
}

/** What is typed stays while the page is drawn again; another address changes it. */
function Field({ name, label, value = '', placeholder, type = 'text' }: FieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current!.value = value;
  }, [value]);
  const same = { ref: input, name, placeholder, autocomplete: 'off', spellcheck: false } as const;
  return (
    <label>
      {label}
      {type === 'text' ? <input type="text" {...same} /> : <input type="datetime-local" {...same} />}
    </label>
  );
}
