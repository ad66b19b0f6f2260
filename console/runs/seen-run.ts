/** A run as its page shows it: with who has its sessions, and what of it waits for reviewers. */
import { useEffect, useState } from 'preact/hooks';
import type { Api, Query } from '../api/client.ts';
import { type Execution, type Run, resultOf } from '../api/runs.ts';
import type { AccessRequest, AccessRequestPage, Person, SessionPage } from '../api/types.ts';
import { type Answer, useAnswer } from '../parts/answer.ts';
import type { Page } from '../parts/pager.tsx';
import { useApi } from '../signin/context.ts';

export interface SeenRun {
  readonly run: Run;
  /** By session, as far as the caller may see them. */
  readonly people: ReadonlyMap<string, Person>;
  /** Requests of its sessions that wait, as far as the caller may see them. */
  readonly waiting: readonly AccessRequest[];
}

/** While the run goes on, milliseconds. */
const EVERY_MS = 2_000;
/** More pages of a list than this are not looked at. */
const PAGES_MAX = 10;
const LIMIT = 200;

/** Looked at again for as long as something of it may change. */
export function useRun(id: string): Answer<SeenRun> {
  const api = useApi();
  const [isOver, setOver] = useState(false);
  const answer = useAnswer((signal) => seenRun(api, id, signal), [id], isOver ? {} : { everyMs: EVERY_MS });
  const { value } = answer;
  useEffect(() => setOver(value !== undefined && isStill(value.run)), [value]);
  return answer;
}

/** Nothing of it changes any more by itself. */
export function isStill({ state, tasks }: Pick<Run, 'state' | 'tasks'>): boolean {
  return state !== 'running' && tasks.every((task) => task.state !== 'running');
}

/** Who had the session of an execution: as the result says, else as the session's record does. */
export function operatorOf(execution: Execution, { people }: Pick<SeenRun, 'people'>): Person | undefined {
  return resultOf(execution)?.operator ?? people.get(execution.session);
}

async function seenRun(api: Api, id: string, signal: AbortSignal): Promise<SeenRun> {
  const run = await api.get<Run>(`/v1/runs/${encodeURIComponent(id)}`, {}, signal);
  const [people, waiting] = await Promise.all([
    peopleOf(run, api, signal),
    asksOf(run) ? waitingOf(run, api, signal) : [],
  ]);
  return { run, people, waiting };
}

/** Sessions are asked for where no result says whose they are. */
async function peopleOf(run: Run, api: Api, signal: AbortSignal): Promise<ReadonlyMap<string, Person>> {
  const isUnknown = run.tasks.some(
    ({ executions, stopped }) => stopped.length > 0 || executions.some((one) => resultOf(one) === undefined),
  );
  if (!isUnknown) return new Map();
  const sessions = await allOf(async (paging) => {
    const page = await api.get<SessionPage>('/v1/sessions', { ...paging, run: run.id }, signal);
    return { rows: page.sessions, next: page.next };
  });
  return new Map(sessions.map(({ id, principal }) => [id, principal]));
}

function asksOf({ tasks }: Run): boolean {
  return tasks.some(({ onDeviation }) => onDeviation === 'ask');
}

async function waitingOf(run: Run, api: Api, signal: AbortSignal): Promise<readonly AccessRequest[]> {
  const requests = await allOf(async (paging) => {
    const query = { ...paging, run: run.id, open: true, state: 'pending' };
    const page = await api.get<AccessRequestPage>('/v1/requests', query, signal);
    return { rows: page.requests, next: page.next };
  });
  return requests.filter(({ deviation }) => deviation !== undefined);
}

async function allOf<Row>(ask: (paging: Query) => Promise<Page<Row>>): Promise<readonly Row[]> {
  const all: Row[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const { rows, next } = await ask({ limit: LIMIT, cursor });
    all.push(...rows);
    cursor = next;
    if (cursor === undefined) break;
  }
  return all;
}
