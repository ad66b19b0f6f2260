import { fieldsOf as textsOf } from '../parts/form.ts';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { queryText } from '../api/client.ts';
import { localText, timeOf } from './filters.ts';
import { FIELDS, FLAGS, hasMore, type Terms } from './search-terms.ts';
import { CLOSE_REASONS } from './words.ts';

/** Drawn anew for another address: its fields hold what the address does. */
export function SearchForm({ terms }: { readonly terms: Terms }) {
  const { route } = useLocation();
  const form = useRef<HTMLFormElement>(null);
  const key = JSON.stringify(terms);
  useEffect(() => fill(form.current!, terms), [key]);
  return (
    <form
      ref={form}
      role="search"
      class="search-form card"
      onSubmit={(event) => {
        event.preventDefault();
        route(`/search${queryText(fieldsOf(event.currentTarget))}`);
      }}
    >
      <div class="search-box">
        <input
          type="search"
          name="text"
          data-search
          aria-label="Words"
          placeholder={'refund "duplicate key"'}
          autocomplete="off"
          spellcheck={false}
        />
        <button type="submit" class="primary">
          Search
        </button>
      </div>
      <details open={hasMore(terms)}>
        <summary>More to look for</summary>
        <MoreFields />
      </details>
    </form>
  );
}

function MoreFields() {
  return (
    <div class="more-fields">
      {FIELDS.map(({ name, label, hint }) => (
        <label key={name}>
          {label}
          <input type="text" name={name} placeholder={hint} autocomplete="off" spellcheck={false} />
        </label>
      ))}
      <label>
        Session ended
        <select name="outcome">
          <option value="">in any way</option>
          {CLOSE_REASONS.map(({ reason, word }) => (
            <option key={reason} value={reason}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <label>
        Since
        <input type="datetime-local" name="since" />
      </label>
      <label>
        Until
        <input type="datetime-local" name="until" />
      </label>
      {FLAGS.map(({ name, label }) => (
        <label key={name} class="flag">
          <input type="checkbox" name={name} value="true" /> {label}
        </label>
      ))}
    </div>
  );
}

function fieldsOf(form: HTMLFormElement): Record<string, string | undefined> {
  const { since, until, ...same } = textsOf(form);
  return { ...same, since: timeOf(since), until: timeOf(until) };
}

function fill(form: HTMLFormElement, terms: Terms): void {
  for (const element of form.elements) {
    if (element instanceof HTMLSelectElement) element.value = terms[element.name] ?? '';
    if (!(element instanceof HTMLInputElement)) continue;
    const { name, type } = element;
    if (type === 'checkbox') element.checked = terms[name] === 'true';
    else element.value = (type === 'datetime-local' ? localText(terms[name]) : terms[name]) ?? '';
  }
}
