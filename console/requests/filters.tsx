import { useQuery } from '../parts/query.ts';
import { REQUEST_STATES, stateWord } from './words.ts';

/** Which of all requests are listed; in the address, so that a list can be sent to somebody. What waits is above, whatever is chosen here. */
export function Filters() {
  const { query, set } = useQuery();
  const changed = (name: string) => (event: Event) =>
    set({ [name]: (event.currentTarget as HTMLInputElement).value.trim() });
  return (
    <form
      class="request-filters"
      role="search"
      aria-label="Which requests"
      onSubmit={(event) => event.preventDefault()}
    >
      <label>
        Target
        <input
          type="search"
          name="target"
          value={query['target'] ?? ''}
          placeholder="any"
          autocomplete="off"
          spellcheck={false}
          data-search
          onChange={changed('target')}
        />
      </label>
      <label>
        Person
        <input
          type="search"
          name="person"
          value={query['person'] ?? ''}
          placeholder="anybody: e-mail or subject"
          autocomplete="off"
          spellcheck={false}
          onChange={changed('person')}
        />
      </label>
      <label>
        State
        <select name="state" value={query['state'] ?? ''} onChange={changed('state')}>
          <option value="">any</option>
          {REQUEST_STATES.map((state) => (
            <option key={state} value={state}>
              {stateWord(state).word}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}
