import { fieldOf } from '../parts/form.ts';
import { useLocation } from 'preact-iso';
import { queryText } from '../api/client.ts';

/** Leads to the search page. */
export function SearchBox() {
  const { route } = useLocation();
  return (
    <form
      role="search"
      class="search-box"
      onSubmit={(event) => {
        event.preventDefault();
        route(`/search${queryText({ text: fieldOf(event.currentTarget, 'text') })}`);
      }}
    >
      <input
        type="search"
        name="text"
        data-search
        aria-label="Search what was done in sessions"
        placeholder="Search what was done"
        autocomplete="off"
        spellcheck={false}
      />
      <button type="submit">Search</button>
    </form>
  );
}
