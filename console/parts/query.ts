/** What of a page belongs into a link to it is in the address: filters, the tab, what is selected. */
import { useLocation } from 'preact-iso';
import { queryText } from '../api/client.ts';

export type QueryChange = Readonly<Record<string, string | undefined>>;

interface QueryState {
  readonly query: Readonly<Record<string, string>>;
  /** The address with these changed; undefined or empty: left out. */
  readonly with: (change: QueryChange) => string;
  /** Goes there; `replace` where Back should not lead here: for what changes at every key. */
  readonly set: (change: QueryChange, how?: { readonly replace?: boolean }) => void;
}

export function useQuery(): QueryState {
  const { path, query, route } = useLocation();
  const changed = (change: QueryChange): string => path + queryText({ ...query, ...change });
  return {
    query,
    with: changed,
    set: (change, { replace = false } = {}) => route(changed(change), replace),
  };
}
