import type { StepSearch } from '#core/search/port.ts';

/** In which nothing was added. */
export const NO_SEARCH: { readonly search: StepSearch } = {
  search: {
    add: () => Promise.resolve(),
    search: () => Promise.resolve({ hits: [] }),
    sessions: () => Promise.resolve({ sessions: [] }),
    missing: () => Promise.resolve([]),
  },
};
