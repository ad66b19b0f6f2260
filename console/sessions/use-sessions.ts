import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { usePages } from '../parts/pager.tsx';
import { useSessionsApi } from './context.ts';
import type { Filters } from './filters.ts';
import { rowsOf } from './list-rows.ts';

export interface Sessions {
  /** Live ones first, then the newest. Undefined until they are known. */
  readonly rows: readonly Session[] | undefined;
  /** Ids of those that wait for somebody to watch them. */
  readonly waiting: ReadonlySet<string>;
  readonly problem: unknown;
  readonly again: () => void;
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly olderProblem: unknown;
  readonly older: () => void;
}

const PAGE = 200;
const LIVE_EVERY_MS = 4_000;
const ALL_EVERY_MS = 20_000;

export function useSessions(filters: Filters): Sessions {
  const api = useSessionsApi();
  const { state, ...query } = filters;
  const key = JSON.stringify(query);
  const live = useAnswer((signal) => api.list({ ...query, state: 'open', limit: PAGE }, signal), [key], {
    everyMs: LIVE_EVERY_MS,
  });
  const waits = useAnswer((signal) => api.list({ ...query, state: 'waiting', limit: PAGE }, signal), [key], {
    everyMs: LIVE_EVERY_MS,
  });
  const pages = usePages(
    async (cursor, signal) => {
      const { sessions, next } = await api.list({ ...query, limit: PAGE, cursor }, signal);
      return { rows: sessions, next };
    },
    [key],
    { idOf: ({ id }) => id, everyMs: ALL_EVERY_MS },
  );
  const open = live.value?.sessions ?? [];
  const waiting = new Set(waits.value?.sessions.map(({ id }) => id));
  const isAll = state === undefined;
  return {
    rows: rowsOf(state, pages.rows, live.value && open, waiting),
    waiting,
    problem: isAll ? pages.first.problem : live.problem,
    again: () => {
      pages.first.again();
      live.again();
      waits.again();
    },
    hasOlder: isAll && pages.hasOlder,
    isLoadingOlder: pages.isLoadingOlder,
    olderProblem: pages.olderProblem,
    older: pages.older,
  };
}
