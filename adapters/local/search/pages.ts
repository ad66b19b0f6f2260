import type { DatabaseSync } from 'node:sqlite';
import type { FoundSession, FoundSessionPage, Hit, HitPage, Place, SearchPage } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { type Candidate, Finder, placeOf } from './finder.ts';
import { Work } from './work.ts';

/** Of one session in a list: of more it is said that there are more. */
export const COUNTED_MAX = 1_000;

export function hitPage(database: DatabaseSync, query: SearchQuery, page: SearchPage): HitPage {
  const hits: Hit[] = [];
  const work = new Work();
  for (const { session, steps } of new Finder(database, query, page, work).candidates()) {
    for (const { step, matched } of steps(stepAfter(session.id, page))) {
      if (hits.length === page.limit) return { hits, next: placeOfHit(hits.at(-1)!) };
      if (matched !== undefined) hits.push({ session, step: step.step, at: step.at, matched });
      if (work.isDone) return { hits, next: placeOf(session, step) };
    }
    if (work.isDone) return { hits, next: placeOf(session) };
  }
  return { hits };
}

export function sessionPage(database: DatabaseSync, query: SearchQuery, page: SearchPage): FoundSessionPage {
  const sessions: FoundSession[] = [];
  const work = new Work();
  for (const candidate of new Finder(database, query, page, work).candidates()) {
    const { found, goesOn } = counted(candidate, stepAfter(candidate.session.id, page), work);
    if (found !== undefined && sessions.length === page.limit)
      return { sessions, next: placeOf(sessions.at(-1)!.session) };
    if (found !== undefined) sessions.push(found);
    if (work.isDone) return { sessions, next: goesOn ?? placeOf(candidate.session) };
  }
  return { sessions };
}

/** `goesOn`: so far nothing was found in it. */
function counted(
  { session, steps }: Candidate,
  after: number,
  work: Work,
): { readonly found?: FoundSession; readonly goesOn?: Place } {
  let first: FoundSession['first'] | undefined;
  const counts = { steps: 0, errors: 0, writes: 0 };
  for (const { step, matched } of steps(after)) {
    if (matched !== undefined) {
      if (counts.steps === COUNTED_MAX) return { found: { session, ...counts, more: true, first: first! } };
      counts.steps += 1;
      if (step.facts.isError) counts.errors += 1;
      if (step.facts.isWrite) counts.writes += 1;
      first ??= { step: step.step, at: step.at, matched };
    }
    if (!work.isDone) continue;
    if (first === undefined) return { goesOn: placeOf(session, step) };
    return { found: { session, ...counts, more: true, first } };
  }
  return first === undefined ? {} : { found: { session, ...counts, first } };
}

function stepAfter(session: string, { after }: SearchPage): number {
  return after?.session === session ? (after.step ?? 0) : 0;
}

function placeOfHit({ session, step }: Hit): Place {
  return { session: session.id, step };
}
